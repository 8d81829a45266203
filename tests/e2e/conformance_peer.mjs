// The client of the conformance suite: sends any bytes at all, and takes nothing from the server
// that RFC 6455 or RFC 7692 does not allow.

import assert from 'node:assert/strict';
import net from 'node:net';
import { constants, deflateRawSync, inflateRawSync } from 'node:zlib';

import { handshake, kOpcode, kTestAccept } from './clients.mjs';
import { Inbox, withDeadline } from './waiting.mjs';

const kPatience = 10_000; // ms
const kTail = Buffer.from([0x00, 0x00, 0xff, 0xff]); // RFC 7692, section 7.2.1
const kMask = Buffer.from([0x37, 0xfa, 0x21, 0x3d]);
const kMaskWord = new Uint32Array(kMask.buffer.slice(kMask.byteOffset, kMask.byteOffset + 4))[0];

// ---- Frames ----

export function masked(payload) {
  // Memory of its own, so that it can be seen as words.
  const words = new Uint32Array(Math.ceil(payload.length / 4));
  const bytes = Buffer.from(words.buffer, 0, payload.length);
  payload.copy(bytes);
  for (let i = 0; i < words.length; i++) words[i] ^= kMaskWord;
  return bytes;
}

// A client's frame. `rsv` is 0 to 7 as Autobahn counts: 4 is RSV1.
export function frame(opcode, payload = '', { fin = true, rsv = 0 } = {}) {
  const body = Buffer.from(payload);
  const first = (fin ? 0x80 : 0) | (rsv << 4) | opcode;
  let head;
  if (body.length < 126) {
    head = Buffer.from([first, 0x80 | body.length]);
  } else if (body.length < 65_536) {
    head = Buffer.from([first, 0x80 | 126, 0, 0]);
    head.writeUInt16BE(body.length, 2);
  } else {
    head = Buffer.alloc(10);
    head.set([first, 0x80 | 127]);
    head.writeBigUInt64BE(BigInt(body.length), 2);
  }
  return Buffer.concat([head, kMask, masked(body)]);
}

export const text = (payload, options) => frame(kOpcode.text, payload, options);
export const binary = (payload, options) => frame(kOpcode.binary, payload, options);
export const continuation = (payload, options) => frame(kOpcode.continuation, payload, options);
export const ping = (payload, options) => frame(kOpcode.ping, payload, options);
export const pong = (payload, options) => frame(kOpcode.pong, payload, options);

// `code` undefined: an empty close frame.
export function close(code, reason = '') {
  if (code === undefined) return frame(kOpcode.close);
  return frame(
    kOpcode.close,
    Buffer.concat([Buffer.from([code >> 8, code & 0xff]), Buffer.from(reason)]),
  );
}

// A message as frames of up to `size` bytes each; an empty message is one frame.
export function fragmented(opcode, payload, size, { rsv = 0, fin = true } = {}) {
  const body = Buffer.from(payload);
  const frames = [];
  for (let at = 0; at < body.length || at === 0; at += size) {
    const first = at === 0;
    frames.push(
      frame(first ? opcode : kOpcode.continuation, body.subarray(at, at + size), {
        fin: fin && at + size >= body.length,
        rsv: first ? rsv : 0,
      }),
    );
  }
  return Buffer.concat(frames);
}

// ---- permessage-deflate ----

export function deflate(payload, { windowBits = 15, level = 1 } = {}) {
  const options = { level, windowBits, finishFlush: constants.Z_SYNC_FLUSH };
  const bytes = deflateRawSync(payload, options);
  assert.ok(bytes.subarray(-4).equals(kTail));
  return bytes.subarray(0, -4);
}

// With `strict`, zlib writes in small steps: otherwise it looks back into its output further than
// the window allows.
export function inflate(payload, { windowBits = 15, strict = false } = {}) {
  return inflateRawSync(Buffer.concat([payload, kTail]), {
    windowBits,
    finishFlush: constants.Z_SYNC_FLUSH,
    ...(strict && { chunkSize: 64 }),
  });
}

// The server's answer to an offer: null, or {serverWindowBits}. Throws on anything that RFC 7692
// does not allow.
export function parseAgreement(header, offer) {
  if (header === undefined) return null;
  const [name, ...parameters] = header.split(';').map((part) => part.trim());
  assert.equal(name, 'permessage-deflate');
  const values = new Map();
  for (const parameter of parameters) {
    const [key, value] = parameter.split('=');
    assert.ok(!values.has(key), `${key} is there twice`);
    values.set(key, value);
  }
  const windowBits = (key) => {
    if (!values.has(key)) return undefined;
    assert.match(values.get(key) ?? '', /^([89]|1[0-5])$/);
    return Number(values.get(key));
  };
  const known = [
    'server_no_context_takeover',
    'client_no_context_takeover',
    'server_max_window_bits',
    'client_max_window_bits',
  ];
  for (const key of values.keys()) assert.ok(known.includes(key), `unknown parameter ${key}`);
  for (const key of known.slice(0, 2)) assert.equal(values.get(key), undefined);
  if (values.has('client_max_window_bits')) assert.match(offer, /client_max_window_bits/);
  return {
    serverNoContext: values.has('server_no_context_takeover'),
    clientNoContext: values.has('client_no_context_takeover'),
    serverWindowBits: windowBits('server_max_window_bits') ?? 15,
    clientWindowBits: windowBits('client_max_window_bits') ?? 15,
  };
}

// ---- What a server sends ----

// Cuts a stream into frames, and refuses those that a server may not send. `take` is called with
// each.
export class FrameReader {
  constructor(take) {
    this.take = take;
    this.chunks = [];
    this.size = 0;
    this.needed = 2;
  }

  push(bytes) {
    this.chunks.push(bytes);
    this.size += bytes.length;
    while (this.size >= this.needed) {
      const whole = this.chunks.length === 1 ? this.chunks[0] : Buffer.concat(this.chunks);
      const used = this.parse(whole);
      const rest = whole.subarray(used);
      this.chunks = rest.length > 0 ? [rest] : [];
      this.size = rest.length;
      if (used > 0) this.needed = 2;
    }
  }

  // Returns how many bytes it used: 0, with a new `needed`, when there is not a whole frame.
  parse(bytes) {
    const short = bytes[1] & 0x7f;
    const start = { 126: 4, 127: 10 }[short] ?? 2;
    assert.equal(bytes[1] & 0x80, 0, "a server's frames are not masked");
    if (bytes.length < start) return this.wait(start);
    let size = short;
    if (short === 126) size = bytes.readUInt16BE(2);
    if (short === 127) size = Number(bytes.readBigUInt64BE(2));
    const shortest = size < 126 ? 2 : size < 65_536 ? 4 : 10;
    assert.equal(start, shortest, 'a length is in its shortest form');
    if (bytes.length < start + size) return this.wait(start + size);
    this.take({
      fin: (bytes[0] & 0x80) !== 0,
      rsv: (bytes[0] >> 4) & 7,
      opcode: bytes[0] & 0x0f,
      payload: bytes.subarray(start, start + size),
    });
    return start + size;
  }

  wait(needed) {
    this.needed = needed;
    return 0;
  }
}

// Joins frames to events: {type: text | binary | ping | pong, payload, compressed} and {type:
// 'close', code, reason}.
export class EventReader {
  // `agreement` as parseAgreement() has it.
  constructor(agreement, tell) {
    this.agreement = agreement;
    this.tell = tell;
    this.message = null;
    this.closed = false;
  }

  take({ fin, rsv, opcode, payload }) {
    assert.ok(!this.closed, 'nothing follows a close frame');
    if (opcode >= 8) return this.control(fin, rsv, opcode, payload);
    assert.ok([0, 1, 2].includes(opcode), `opcode ${opcode}`);
    assert.equal(opcode === 0, this.message !== null, 'continuations continue');
    assert.ok(rsv === 0 || (rsv === 4 && opcode !== 0 && this.agreement), `reserved bits ${rsv}`);
    this.message ??= { type: opcode === 1 ? 'text' : 'binary', compressed: rsv === 4, parts: [] };
    this.message.parts.push(payload);
    if (!fin) return;
    const { type, compressed, parts } = this.message;
    this.message = null;
    const joined = parts.length === 1 ? parts[0] : Buffer.concat(parts);
    const windowBits = this.agreement?.serverWindowBits;
    const whole = compressed ? inflate(joined, { windowBits, strict: windowBits < 15 }) : joined;
    this.tell({ type, compressed, payload: whole });
  }

  control(fin, rsv, opcode, payload) {
    assert.ok(fin && rsv === 0 && payload.length <= 125, 'a well-formed control frame');
    if (opcode === kOpcode.close) {
      assert.notEqual(payload.length, 1);
      this.closed = true;
      const code = payload.length > 0 ? payload.readUInt16BE(0) : undefined;
      const reason = new TextDecoder('utf-8', { fatal: true }).decode(payload.subarray(2));
      return this.tell({ type: 'close', code, reason });
    }
    assert.ok(opcode === kOpcode.ping || opcode === kOpcode.pong, `opcode ${opcode}`);
    this.tell({ type: opcode === kOpcode.ping ? 'ping' : 'pong', payload });
  }
}

// ---- The client ----

export class Peer {
  // `offer` is the value of Sec-WebSocket-Extensions.
  static async open(server, { offer, path = '/echo' } = {}) {
    const socket = net.connect({ host: server.host, port: server.port, noDelay: true });
    const peer = new Peer(socket, offer);
    const headers = offer === undefined ? {} : { 'Sec-WebSocket-Extensions': offer };
    socket.write(handshake({ path, headers }));
    await withDeadline(peer.upgraded, 'the handshake', kPatience);
    return peer;
  }

  constructor(socket, offer) {
    this.socket = socket;
    this.offer = offer;
    this.agreement = null;
    this.events = new Inbox('an event');
    this.head = Buffer.alloc(0);
    this.frames = null; // until the handshake is over
    this.upgraded = new Promise((resolve, reject) => {
      this.onUpgraded = resolve;
      this.events.end = ((end) => (error) => {
        reject(error);
        end.call(this.events, error);
      })(this.events.end);
    });
    socket.on('data', (bytes) => this.receive(bytes));
    socket.on('end', () => this.events.push({ type: 'end' }));
    socket.on('error', (error) => this.events.end(error));
  }

  receive(bytes) {
    try {
      if (this.frames) return this.frames.push(bytes);
      this.head = Buffer.concat([this.head, bytes]);
      const end = this.head.indexOf('\r\n\r\n');
      if (end < 0) return;
      this.upgrade(this.head.subarray(0, end).toString());
      this.onUpgraded();
      const rest = this.head.subarray(end + 4);
      if (rest.length > 0) this.frames.push(rest);
    } catch (error) {
      this.events.end(error);
      this.socket.destroy();
    }
  }

  upgrade(head) {
    const [status, ...lines] = head.split('\r\n');
    assert.match(status, /^HTTP\/1\.1 101 /);
    const headers = new Map(
      lines.map((line) => [
        line.split(':')[0].toLowerCase(),
        line.slice(line.indexOf(':') + 1).trim(),
      ]),
    );
    assert.equal(headers.get('sec-websocket-accept'), kTestAccept);
    const extensions = headers.get('sec-websocket-extensions');
    if (this.offer === undefined) assert.equal(extensions, undefined);
    this.agreement = parseAgreement(extensions, this.offer);
    const events = new EventReader(this.agreement, (event) => this.events.push(event));
    this.frames = new FrameReader((one) => events.take(one));
  }

  write(...frames) {
    this.socket.write(frames.length === 1 ? frames[0] : Buffer.concat(frames));
  }

  // Each piece in a system call of its own.
  async chop(bytes, size) {
    for (let at = 0; at < bytes.length && !this.socket.destroyed; at += size) {
      await new Promise((resolve) => this.socket.write(bytes.subarray(at, at + size), resolve));
    }
  }

  next() {
    return this.events.next(kPatience);
  }

  async expect(type, payload) {
    const event = await this.next();
    assert.equal(event.type, type, `${event.type} ${event.code ?? ''} ${event.reason ?? ''}`);
    // deepEqual of megabytes would take seconds to say what differs.
    if (payload !== undefined) {
      assert.ok(event.payload.equals(Buffer.from(payload)), `a ${type} with another payload`);
    }
    return event;
  }

  // The server closes with one of `codes`, gets our answer, and ends the connection.
  async expectClose(...codes) {
    const { code } = await this.expect('close');
    assert.ok(codes.includes(code), `closed with ${code}, not ${codes}`);
    this.socket.write(close(code));
    await this.expect('end');
    this.socket.destroy();
  }

  // We close, and the server answers and ends the connection.
  async finish() {
    this.write(close(1000));
    const { code } = await this.expect('close');
    assert.equal(code, 1000);
    await this.expect('end');
    this.socket.destroy();
  }
}
