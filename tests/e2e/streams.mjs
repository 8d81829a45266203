// Channels that remember, as tests use them: a backend that publishes, and subscribers whose
// connections break.

import { BreakableSocket } from './breakable.mjs';
import { decode, makeClient } from './clients.mjs';
import { Inbox, eventOf, withDeadline } from './waiting.mjs';

const kNowhere = 'ws://127.0.0.1:1/'; // nobody listens there
export const kApiKey = 'a key for the api';

// For startServer(): namespaces by name.
export function configOf(namespaces, rest = {}) {
  return {
    http_api: { key: kApiKey },
    channel: {
      namespaces: Object.entries(namespaces).map(([name, options]) => ({ name, ...options })),
    },
    ...rest,
  };
}

// A channel name that no other test has.
let channels = 0;
export const freshChannel = (namespace) => `${namespace}:c${(channels += 1)}`;

// The result of a call of the server API; its error is thrown.
export async function api(server, method, params) {
  const answer = await server.request(`/api/${method}`, {
    method: 'POST',
    headers: { 'X-API-Key': kApiKey },
    body: JSON.stringify(params),
  });
  const { result, error } = JSON.parse(answer.body);
  if (error) throw Object.assign(new Error(`${method}: ${error.message}`), error);
  return result;
}

// Publishes each of `values`, one after the other.
export async function publishAll(server, channel, values, options = {}) {
  const results = [];
  for (const data of values) {
    results.push(await api(server, 'publish', { channel, data, ...options }));
  }
  return results;
}

// The numbers from `first` to `last`.
export const range = (first, last) => Array.from({ length: last - first + 1 }, (_, i) => first + i);

// A client of the official kind whose network the test breaks: the connection that is open by
// client.socket(), and those to come while client.network.down is true.
export function makeBreakable(server, options) {
  const network = { down: false };
  let current;
  class Socket extends BreakableSocket {
    constructor(address, protocols) {
      super(network.down ? kNowhere : address, protocols);
      current = this;
    }
  }
  const client = makeClient(server, {
    websocket: Socket,
    minReconnectDelay: 1,
    maxReconnectDelay: 100,
    ...options,
  });
  client.network = network;
  client.socket = () => current;
  return client;
}

// A subscription of such a client, from before it is connected: what it gets in `publications`,
// decoded; each subscribe reply in `replies`.
export function listen(client, channel, options) {
  const subscription = client.newSubscription(channel, options);
  subscription.publications = new Inbox(`a publication in ${channel}`);
  subscription.replies = new Inbox(`a subscribe reply for ${channel}`);
  subscription.ends = new Inbox(`the end of the subscription to ${channel}`);
  subscription.on('publication', (context) => {
    subscription.publications.push({ ...context, data: decode(context.data) });
  });
  subscription.on('subscribed', (context) => subscription.replies.push(context));
  subscription.on('unsubscribed', (context) => subscription.ends.push(context));
  subscription.heard = async (count) =>
    (await subscription.publications.take(count)).map(({ data }) => data);
  subscription.subscribe();
  return subscription;
}

// A connected client and its live subscription.
export async function openListener(server, channel, { options, ...rest } = {}) {
  const client = makeBreakable(server, rest);
  const subscription = listen(client, channel, options);
  client.connect();
  subscription.first = await subscription.replies.next();
  return [client, subscription];
}

// Breaks the client's connection, and keeps it away until client.network.down is false again.
export async function breakAway(client, how = 'reset') {
  client.network.down = true;
  const away = eventOf(client, 'connecting');
  client.socket()[how]();
  await away;
}

// Lets a client that was kept away come back: the subscribe reply.
export function comeBack(client, subscription) {
  client.network.down = false;
  return subscription.replies.next();
}

// ---- JSON over a WebSocket, command by command ----

export class JsonClient {
  // `connect`: the fields of its connect command.
  static async connect(server, connect = {}) {
    const client = new JsonClient(new BreakableSocket(server.wsUrl));
    await withDeadline(
      new Promise((resolve, reject) => {
        client.socket.once('open', resolve);
        client.socket.once('error', reject);
      }),
      'a WebSocket handshake',
    );
    client.id = (await client.ask({ connect })).connect.client;
    return client;
  }

  constructor(socket) {
    this.socket = socket;
    this.lastId = 0;
    this.waiting = new Map(); // by command id
    this.pushes = new Inbox('a push');
    this.lines = []; // all that came, as it came
    socket.on('message', (data) => {
      for (const line of data.toString().split('\n')) this.take(line);
    });
    this.ended = new Promise((resolve) => {
      socket.on('close', (code, reason) => {
        this.pushes.end(new Error(`closed ${code} ${reason}`));
        resolve({ code, reason: reason.toString() });
      });
    });
  }

  take(line) {
    this.lines.push(line);
    const message = JSON.parse(line);
    if (message.push) return this.pushes.push(message.push);
    if (!message.id) return this.socket.send('{}'); // a ping
    this.waiting.get(message.id)(message);
    this.waiting.delete(message.id);
  }

  // The reply to a command: its result by its name, or its error.
  ask(command) {
    const id = (this.lastId += 1);
    const replied = new Promise((resolve) => this.waiting.set(id, resolve));
    this.socket.send(JSON.stringify({ id, ...command }));
    return withDeadline(replied, `a reply to ${JSON.stringify(command)}`);
  }

  // The result of a subscribe; its error is thrown.
  async subscribe(channel, options = {}) {
    const { subscribe, error } = await this.ask({ subscribe: { channel, ...options } });
    if (error) throw Object.assign(new Error(error.message), error);
    return subscribe;
  }

  unsubscribe(channel) {
    return this.ask({ unsubscribe: { channel } });
  }

  close() {
    this.socket.leave();
    return withDeadline(this.ended, 'the connection is closed');
  }
}
