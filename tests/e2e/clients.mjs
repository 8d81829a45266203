// The clients that tests speak through: the official one, a WebSocket without a protocol, and a
// plain socket.

import net from 'node:net';
import { after } from 'node:test';

import { Centrifuge as JsonCentrifuge } from 'centrifuge';
import { Centrifuge as ProtobufCentrifuge } from 'centrifuge/build/protobuf';
import { WebSocket } from 'ws';

import { Inbox, eventOf, kPatience, withDeadline } from './waiting.mjs';

const open = new Set(); // functions that close what was opened

// Closes every client that is still open, of whatever kind: for afterEach().
export function closeClients() {
  for (const close of open) close();
  open.clear();
}
// Also after a failed test, so that nothing keeps the process alive.
after(closeClients);

// ---- The official client ----

// `endpoint`: one address, or the client's list of transports.
export function makeClient(
  server,
  { protocol = 'json', endpoint = server.wsUrl, ...options } = {},
) {
  const Client = protocol === 'protobuf' ? ProtobufCentrifuge : JsonCentrifuge;
  const sockets = [];
  // Remembers the size of each frame that it sent.
  class Socket extends WebSocket {
    constructor(address, protocols) {
      super(address, protocols, { perMessageDeflate: false });
      this.sent = [];
      sockets.push(this);
    }

    send(data, ...rest) {
      this.sent.push(Buffer.byteLength(data));
      super.send(data, ...rest);
    }
  }
  const client = new Client(endpoint, {
    websocket: Socket,
    minReconnectDelay: 20,
    maxReconnectDelay: 200,
    ...options,
  });
  open.add(() => client.disconnect());
  client.protocol = protocol;
  client.sockets = sockets; // every one it ever opened, oldest first
  return client;
}

export async function connect(server, options) {
  const client = makeClient(server, options);
  const connected = eventOf(client, 'connected');
  client.connect();
  client.id = (await connected).client;
  return client;
}

// A subscription that is live, with what it got in `publications`: {channel, data, info}, the data
// decoded.
export async function subscribe(client, channel) {
  const subscription = client.newSubscription(channel);
  subscription.publications = new Inbox(`a publication in ${channel}`);
  subscription.on('publication', (context) => {
    subscription.publications.push({ ...context, data: decode(context.data) });
  });
  const subscribed = eventOf(subscription, 'subscribed');
  subscription.subscribe();
  await subscribed;
  return subscription;
}

// A JSON connection carries values, a Protobuf one bytes: tests publish JSON over both.
export function encode(client, value) {
  return client.protocol === 'protobuf' ? Buffer.from(JSON.stringify(value)) : value;
}

export function decode(data) {
  return data instanceof Uint8Array ? JSON.parse(Buffer.from(data).toString()) : data;
}

// ---- A WebSocket and nothing more ----

export class RawClient {
  // Options: query ("a=b"), protocols, headers, and ws's own; `path` instead of the client
  // endpoint's.
  static async open(
    server,
    { query = '', protocols = [], path = '/connection/websocket', ...options } = {},
  ) {
    const address = `${server.wsUrl.replace('/connection/websocket', path)}${query && `?${query}`}`;
    const socket = new WebSocket(address, protocols, { perMessageDeflate: false, ...options });
    const client = new RawClient(socket);
    await withDeadline(
      new Promise((resolve, reject) => {
        socket.once('open', resolve);
        socket.once('error', reject);
      }),
      'a WebSocket handshake',
    );
    return client;
  }

  constructor(socket) {
    this.socket = socket;
    open.add(() => socket.terminate());
    this.frames = new Inbox('a frame');
    this.messages = new Inbox('a message'); // of a JSON connection: the frames' lines
    socket.on('message', (data, isBinary) => {
      this.frames.push(isBinary ? data : data.toString());
      if (!isBinary) for (const line of data.toString().split('\n')) this.messages.push(line);
    });
    // {code, reason}, of the close frame.
    this.ended = new Promise((resolve) => {
      socket.on('close', (code, reason) => {
        this.frames.end(new Error(`closed ${code} ${reason}`));
        this.messages.end(new Error(`closed ${code} ${reason}`));
        resolve({ code, reason: reason.toString() });
      });
    });
    socket.on('error', () => {}); // 'close' follows, and says what tests want to know
  }

  send(data) {
    this.socket.send(data);
  }

  // Sends a command and returns the next message.
  async ask(command) {
    this.send(typeof command === 'string' ? command : JSON.stringify(command));
    return this.messages.next();
  }

  // Makes the session: the connect reply, parsed.
  async connect(id = 1) {
    return JSON.parse(await this.ask({ id, connect: {} })).connect;
  }

  closed(within = kPatience) {
    return withDeadline(this.ended, 'the connection is closed', within);
  }

  close() {
    this.socket.close();
    return this.closed();
  }
}

// ---- A plain socket ----

export const kTestKey = 'dGhlIHNhbXBsZSBub25jZQ=='; // RFC 6455, section 1.3
export const kTestAccept = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=';

export function handshake({ path = '/connection/websocket', headers = {} } = {}) {
  const lines = Object.entries({
    Host: 'localhost',
    Upgrade: 'websocket',
    Connection: 'Upgrade',
    'Sec-WebSocket-Key': kTestKey,
    'Sec-WebSocket-Version': '13',
    ...headers,
  })
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `${name}: ${value}\r\n`);
  return `GET ${path} HTTP/1.1\r\n${lines.join('')}\r\n`;
}

export const kOpcode = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 };

// A client's frame. `first` replaces the first byte, for frames that should not be.
export function frame(opcode, payload, { fin = true, masked = true, first } = {}) {
  const body = Buffer.from(payload);
  const head = [first ?? (fin ? 0x80 : 0) | opcode];
  const bit = masked ? 0x80 : 0;
  if (body.length < 126) head.push(bit | body.length);
  else if (body.length < 65_536) head.push(bit | 126, body.length >> 8, body.length & 0xff);
  else
    head.push(
      bit | 127,
      0,
      0,
      0,
      0,
      ...[24, 16, 8, 0].map((shift) => (body.length >>> shift) & 0xff),
    );
  if (!masked) return Buffer.concat([Buffer.from(head), body]);
  const mask = Buffer.from([0x37, 0xfa, 0x21, 0x3d]);
  return Buffer.concat([Buffer.from(head), mask, body.map((byte, i) => byte ^ mask[i % 4])]);
}

export class RawSocket {
  // `options` are net.connect()'s own: localAddress, or a path.
  static async open(server, options = {}) {
    const socket = net.connect({
      host: server.host,
      port: server.port,
      allowHalfOpen: true,
      noDelay: true,
      ...options,
    });
    const raw = new RawSocket(socket);
    await withDeadline(
      new Promise((resolve, reject) => {
        socket.once('connect', resolve);
        socket.once('error', reject);
      }),
      'a connection',
    );
    return raw;
  }

  // A socket that is a WebSocket already.
  static async upgraded(server, options) {
    const raw = await RawSocket.open(server);
    await raw.write(handshake(options));
    const head = await raw.head();
    if (head.status !== 101) throw new Error(`handshake: ${head.status}`);
    return raw;
  }

  constructor(socket) {
    this.socket = socket;
    open.add(() => socket.destroy());
    this.buffer = Buffer.alloc(0);
    this.arrived = () => {};
    this.ended = new Promise((resolve) => {
      const end = (how) => {
        this.over = true;
        resolve(how);
        this.arrived();
      };
      socket.on('end', () => end('end'));
      socket.on('close', () => end('close'));
      socket.on('error', (error) => end(error.code));
    });
    socket.on('data', (bytes) => {
      this.buffer = Buffer.concat([this.buffer, bytes]);
      this.arrived();
    });
  }

  // Resolves when the kernel has the bytes.
  write(bytes) {
    return new Promise((resolve) => this.socket.write(bytes, () => resolve()));
  }

  // Each byte in a segment of its own.
  async drip(bytes) {
    for (const byte of Buffer.from(bytes)) {
      await this.write(Buffer.from([byte]));
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  // What `parse` makes of the bytes so far: [value, bytes used], or null for more.
  read(parse, what, within = kPatience) {
    const done = new Promise((resolve, reject) => {
      this.arrived = () => {
        const parsed = parse(this.buffer);
        if (parsed) {
          this.buffer = this.buffer.subarray(parsed[1]);
          resolve(parsed[0]);
        } else if (this.over) {
          reject(new Error(`the connection ended before ${what}`));
        }
      };
      this.arrived();
    });
    return withDeadline(done, what, within).finally(() => (this.arrived = () => {}));
  }

  // The head of a response: {status, headers}, names in lower case.
  head(within) {
    return this.read(
      (bytes) => {
        const end = bytes.indexOf('\r\n\r\n');
        if (end < 0) return null;
        const [first, ...lines] = bytes.subarray(0, end).toString().split('\r\n');
        const headers = Object.fromEntries(
          lines.map((line) => {
            const colon = line.indexOf(':');
            return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
          }),
        );
        return [{ status: Number(first.split(' ')[1]), headers }, end + 4];
      },
      'a response',
      within,
    );
  }

  // The server's next frame: {opcode, payload}, and for a close frame its code and reason.
  frame(within) {
    return this.read(
      (bytes) => {
        if (bytes.length < 2) return null;
        const short = bytes[1] & 0x7f;
        const start = { 126: 4, 127: 10 }[short] ?? 2;
        if (bytes.length < start) return null;
        const size =
          { 126: () => bytes.readUInt16BE(2), 127: () => Number(bytes.readBigUInt64BE(2)) }[
            short
          ]?.() ?? short;
        if (bytes.length < start + size) return null;
        const opcode = bytes[0] & 0x0f;
        const payload = bytes.subarray(start, start + size);
        const close =
          opcode === kOpcode.close && size >= 2
            ? { code: payload.readUInt16BE(0), reason: payload.subarray(2).toString() }
            : {};
        return [{ opcode, payload, ...close }, start + size];
      },
      'a frame',
      within,
    );
  }

  // Until the server has closed or reset the connection.
  closed(within = kPatience) {
    return withDeadline(this.ended, 'the server closes the connection', within);
  }

  destroy() {
    this.socket.destroy();
  }
}
