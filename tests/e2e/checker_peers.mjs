// The checker's publishers and subscribers (checker.mjs): each lives through any number of
// connections, and keeps what it was told.

import http from 'node:http';

import { BreakableSocket } from './breakable.mjs';
import { decode, makeClient } from './clients.mjs';
import { over } from './fallbacks.mjs';
import { kApiKey, listen, makeBreakable } from './streams.mjs';

const kWindow = 8; // publishes that wait for an answer
const kReopenMsMax = 40;

// A source of numbers that is the same for the same seed.
export class Random {
  constructor(seed) {
    this.state = seed >>> 0;
  }

  // Below `count`; mulberry32.
  below(count) {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), this.state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * count);
  }

  pick(list) {
    return list[this.below(list.length)];
  }

  // For somebody else, so that the two don't depend on who asks first.
  fork() {
    return new Random(this.below(2 ** 32));
  }
}

// What each of them needs: {server, random, fail(what)}.
class Peer {
  constructor(name, world) {
    this.name = name;
    this.world = world;
    this.random = world.random.fork();
    this.over = false;
  }

  fail(what) {
    this.world.fail(`${this.name}: ${what}`);
  }
}

// A JSON connection that is opened again whenever it ends.
class JsonPeer extends Peer {
  start() {
    const socket = (this.socket = new BreakableSocket(this.world.server.wsUrl));
    socket.on('open', () => {
      this.say({ id: 1, connect: {} });
      this.greet();
    });
    socket.on('message', (data) => {
      for (const line of data.toString().split('\n')) this.hear(JSON.parse(line));
    });
    socket.on('close', () => {
      this.client = undefined;
      if (!this.over) setTimeout(() => this.over || this.start(), this.random.below(kReopenMsMax));
    });
  }

  say(command) {
    if (this.socket.readyState === BreakableSocket.OPEN) this.socket.send(JSON.stringify(command));
  }

  hear(message) {
    if (message.push) return this.onPush(message.push);
    if (!message.id) return this.say({}); // a ping
    if (message.connect) this.client = message.connect.client;
    this.onReply(message);
  }

  currentSocket() {
    return this.socket;
  }

  stop() {
    this.over = true;
    this.socket.leave();
  }
}

// ---- Publishers ----

// Numbers its messages, and repeats what was not answered with the key that it had, on the next
// connection.
export class ClientPublisher extends JsonPeer {
  constructor(number, world, channels) {
    super(`publisher ${number}`, world);
    Object.assign(this, { number, channels, count: 0, answers: [] });
    this.unanswered = new Map(); // by command id, in order
    this.lastId = 1;
  }

  publishOne() {
    if (this.unanswered.size >= kWindow) return;
    const message = this.world.compose(this.number, (this.count += 1), this.random);
    const channel = this.random.pick(this.channels);
    const id = (this.lastId += 1);
    const publish = { channel, data: message, idempotency_key: `${this.number}:${message.n}` };
    this.unanswered.set(id, publish);
    this.say({ id, publish }); // or greet() will
  }

  greet() {
    for (const [id, publish] of this.unanswered) this.say({ id, publish });
  }

  onPush() {}

  onReply({ id, publish, error }) {
    if (error) return this.fail(`error ${error.code}`);
    if (!publish) return;
    const asked = this.unanswered.get(id);
    this.unanswered.delete(id);
    if (!asked) return this.fail(`an answer to ${id}, which is not asked`);
    this.answers.push({ channel: asked.channel, offset: publish.offset, message: asked.data });
  }

  get done() {
    return this.unanswered.size === 0;
  }
}

// The same over the server API: one request at a time, of which some are cut off.
export class ApiPublisher extends Peer {
  constructor(number, world, channels) {
    super(`api publisher ${number}`, world);
    Object.assign(this, { number, channels, count: 0, answers: [], asked: null });
  }

  start() {}

  publishOne() {
    if (this.asked) return;
    const message = this.world.compose(this.number, (this.count += 1), this.random);
    const idempotency_key = `${this.number}:${message.n}`;
    this.asked = { channel: this.random.pick(this.channels), data: message, idempotency_key };
    this.post();
  }

  post() {
    const { host, port } = this.world.server;
    const headers = { 'X-API-Key': kApiKey };
    const options = { host, port, path: '/api/publish', method: 'POST', headers, agent: false };
    const request = (this.request = http.request(options, (response) => {
      let body = '';
      response.on('data', (text) => (body += text));
      response.on('error', () => {});
      response.on('end', () => response.complete && this.onAnswer(JSON.parse(body)));
    }));
    request.on('error', () => {});
    request.on('close', () => {
      if (this.asked && this.request === request) this.post();
    });
    request.end(JSON.stringify(this.asked));
  }

  onAnswer({ result, error }) {
    if (error) return this.fail(`error ${error.code}`);
    const { channel, data } = this.asked;
    this.answers.push({ channel, offset: result.offset, message: data });
    this.asked = null;
  }

  cutRequest() {
    this.request?.destroy();
  }

  stop() {}

  get done() {
    return this.asked === null;
  }
}

// ---- Subscribers ----

// What a subscriber saw of a channel: the ids of its messages, by offset. Anything but the next one
// is a failure.
class Seen {
  constructor(peer, channel) {
    Object.assign(this, { peer, channel, ids: [] });
  }

  take(offset, message) {
    if (offset !== this.ids.length + 1) {
      this.peer.fail(`offset ${offset} after ${this.ids.length} in ${this.channel}`);
    }
    this.ids.push(this.peer.world.idOf(message));
  }
}

// Speaks only what is needed: connect, subscribe, recover.
export class LeanSubscriber extends JsonPeer {
  constructor(number, world, channels) {
    super(`lean subscriber ${number}`, world);
    this.seen = new Map(channels.map((channel) => [channel, new Seen(this, channel)]));
    this.recovered = 0;
  }

  greet() {
    let id = 1;
    for (const [channel, { epoch = '', ids }] of this.seen) {
      const subscribe = { channel, recover: true, epoch, offset: ids.length };
      this.say({ id: (id += 1), subscribe });
    }
  }

  onReply({ id, subscribe, error }) {
    if (error) return this.fail(`error ${error.code}`);
    if (!subscribe) return;
    const seen = [...this.seen.values()][id - 2];
    if (!subscribe.recovered) this.fail(`not recovered: ${JSON.stringify(subscribe)}`);
    seen.epoch = subscribe.epoch;
    this.recovered += 1;
    for (const { offset, data } of subscribe.publications ?? []) seen.take(offset, data);
  }

  onPush({ channel, pub, unsubscribe }) {
    if (unsubscribe) return this.fail(`unsubscribed from ${channel}: ${unsubscribe.code}`);
    this.seen.get(channel).take(pub.offset, pub.data);
  }
}

// The client from npm.
export class OfficialSubscriber extends Peer {
  constructor(number, world, channels, { protocol, delta, transport = 'websocket' }) {
    super(`official subscriber ${number}, ${transport} ${protocol}${delta ? ', delta' : ''}`, world);
    this.client = this.makeClient(transport, { protocol, maxReconnectDelay: kReopenMsMax });
    this.seen = new Map(channels.map((channel) => [channel, new Seen(this, channel)]));
    this.recovered = 0;
    for (const [channel, seen] of this.seen) {
      const since = { offset: 0, epoch: '' };
      const subscription = listen(this.client, channel, { since, delta });
      subscription.on('publication', ({ offset, data }) => seen.take(offset, decode(data)));
      subscription.on('subscribed', ({ recovered }) => {
        if (!recovered) this.fail(`not recovered in ${channel}`);
        this.recovered += 1;
      });
      subscription.on('error', ({ error }) => error.code > 99 && this.fail(error.message));
      subscription.on('unsubscribed', ({ code }) => this.ended(`unsubscribed: ${code}`));
    }
    this.client.on('disconnected', ({ code }) => this.ended(`disconnected: ${code}`));
  }

  makeClient(transport, options) {
    return makeBreakable(this.world.server, options);
  }

  ended(why) {
    if (!this.over) this.fail(why);
  }

  start() {
    this.client.connect();
  }

  currentSocket() {
    return this.client.socket();
  }

  stop() {
    this.over = true;
    this.client.disconnect();
  }
}

// The same without WebSockets, through a network of its own.
export class FallbackSubscriber extends OfficialSubscriber {
  makeClient(transport, options) {
    this.network = this.world.networks.pop();
    const minReconnectDelay = 1;
    return makeClient(
      this.world.server,
      over(this.network, [transport], { minReconnectDelay, ...options }),
    );
  }

  currentSocket() {
    const { network } = this;
    return {
      alive: network.pairs.size > 0,
      leave: () => network.leave(),
      reset: () => network.cut(),
      vanish: () => (this.hole = network.vanish()),
    };
  }

  stop() {
    super.stop();
    this.network.close();
  }
}
