// Plays tests/conversations against the real server, once for every wire format. Their README says how they are written.

import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import protobuf from 'protobufjs';

import { RawClient } from './clients.mjs';
import { startServer } from './harness.mjs';

const kHere = dirname(fileURLToPath(import.meta.url));
const kFolder = resolve(kHere, '../conversations');
const kSchema = new protobuf.Root().loadSync(resolve(kHere, '../../proto/client.proto'), { keepCase: true });
const kPackage = 'centrifugal.centrifuge.protocol';

// ---- Wire formats: {open(server), encode(commands) -> frame, decode(frame) -> messages} ----

const json = {
  open: (server) => RawClient.open(server),
  encode: (commands) => commands.map((command) => JSON.stringify(command)).join('\n'),
  decode: (frame) => frame.split('\n').map((line) => JSON.parse(line)),
};

// Payloads, which JSON carries inline, are the JSON text's bytes in Protobuf.
function toMessage(type, value) {
  const message = {};
  for (const [name, part] of Object.entries(value)) {
    const field = type.fields[name];
    assert.ok(field, `client.proto has no ${type.name}.${name}`);
    field.resolve();
    const convert = (one) => {
      if (field.type === 'bytes') return Buffer.from(JSON.stringify(one));
      return field.resolvedType instanceof protobuf.Type ? toMessage(field.resolvedType, one) : one;
    };
    if (field.map) message[name] = Object.fromEntries(Object.entries(part).map(([key, one]) => [key, convert(one)]));
    else message[name] = field.repeated ? part.map(convert) : convert(part);
  }
  return type.create(message);
}

function fromMessage(type, message) {
  // What JSON shows even when it is empty.
  const value = type.name === 'ClientInfo' ? { user: '', client: '' } : {};
  for (const field of type.fieldsArray) {
    if (!Object.hasOwn(message, field.name)) continue;
    if ((field.map || field.repeated) && Object.keys(message[field.name]).length === 0) continue;
    field.resolve();
    const convert = (one) => {
      if (field.type === 'bytes') return JSON.parse(Buffer.from(one).toString());
      if (protobuf.util.Long && protobuf.util.Long.isLong(one)) return one.toNumber();
      return field.resolvedType instanceof protobuf.Type ? fromMessage(field.resolvedType, one) : one;
    };
    const part = message[field.name];
    if (field.map) value[field.name] = Object.fromEntries(Object.entries(part).map(([key, one]) => [key, convert(one)]));
    else value[field.name] = field.repeated ? part.map(convert) : convert(part);
  }
  return value;
}

const binary = {
  open: (server) => RawClient.open(server, { protocols: ['centrifuge-protobuf'] }),
  encode: (commands) => {
    const type = kSchema.lookupType(`${kPackage}.Command`);
    return Buffer.concat(commands.map((command) => type.encodeDelimited(toMessage(type, command)).finish()));
  },
  decode: (frame) => {
    const type = kSchema.lookupType(`${kPackage}.Reply`);
    const reader = protobuf.Reader.create(frame);
    const messages = [];
    while (reader.pos < reader.len) messages.push(fromMessage(type, type.decodeDelimited(reader)));
    return messages;
  },
};

// ---- Scripts ----

// Several JSON values one after another.
function values(text) {
  const found = [];
  for (let rest = text.trim(); rest !== ''; rest = rest.trim()) {
    let end = rest.indexOf('}') + 1;
    for (;;) {
      assert.ok(end > 0, `not JSON: ${rest}`);
      try {
        found.push(JSON.parse(rest.slice(0, end)));
        break;
      } catch {
        end = rest.indexOf('}', end) + 1;
      }
    }
    rest = rest.slice(end);
  }
  return found;
}

function parse(text) {
  const script = { dev: true, config: {}, steps: [] };
  for (const line of text.split('\n')) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    const server = /^server (production )?(.*)$/.exec(line);
    if (server) {
      script.dev = !server[1];
      script.config = JSON.parse(server[2]);
      continue;
    }
    const step = /^(\w+)([><!]) (.*)$/.exec(line);
    assert.ok(step, `not a step: ${line}`);
    script.steps.push({ line, client: step[1], kind: step[2], text: step[3] });
  }
  assert.ok(script.steps.length > 0);
  return script;
}

// "*" in what is expected takes over what came, if that is a text and not empty.
function filled(expected, actual) {
  if (expected === '*') return typeof actual === 'string' && actual !== '' ? actual : expected;
  if (Array.isArray(expected)) return expected.map((one, i) => filled(one, actual?.[i]));
  if (expected === null || typeof expected !== 'object') return expected;
  return Object.fromEntries(Object.entries(expected).map(([key, one]) => [key, filled(one, actual?.[key])]));
}

class Player {
  constructor(server, format) {
    Object.assign(this, { server, format, clients: new Map(), pending: new Map() });
  }

  async client(name) {
    if (!this.clients.has(name)) {
      this.clients.set(name, await this.format.open(this.server));
      this.pending.set(name, []);
    }
    return this.clients.get(name);
  }

  async next(name) {
    const pending = this.pending.get(name);
    if (pending.length === 0) pending.push(...this.format.decode(await (await this.client(name)).frames.next()));
    return pending.shift();
  }

  async play({ client: name, kind, text }) {
    const client = await this.client(name);
    if (kind === '>') return client.send(this.format.encode(values(text)));
    if (kind === '!') return client.close();
    const close = /^close (\d+) ?(.*)$/.exec(text);
    if (close) return assert.deepEqual(await client.closed(), { code: Number(close[1]), reason: close[2] });
    // Several messages with `|` between them may come in any order: replies of different channels.
    const expected = text.split(' | ').map((one) => JSON.parse(one));
    while (expected.length > 0) {
      const actual = await this.next(name);
      const at = expected.findIndex((one) => matches(one, actual));
      if (at < 0) assert.deepEqual(actual, filled(expected[0], actual));
      expected.splice(at, 1);
    }
  }
}

function matches(expected, actual) {
  try {
    assert.deepEqual(actual, filled(expected, actual));
    return true;
  } catch {
    return false;
  }
}

const scripts = readdirSync(kFolder).filter((name) => name.endsWith('.txt'));
assert.ok(scripts.length > 0);
for (const name of scripts) {
  const script = parse(readFileSync(join(kFolder, name), 'utf8'));
  describe(`conversation ${name}`, async () => {
    let server;
    after(() => server?.stop());
    for (const [title, format] of [['JSON', json], ['Protobuf', binary]]) {
      test(title, async () => {
        server ??= await startServer({ dev: script.dev, config: script.config });
        const player = new Player(server, format);
        for (const step of script.steps) {
          try {
            await player.play(step);
          } catch (error) {
            error.message = `${step.line}\n${error.message}`;
            throw error;
          }
        }
        for (const client of player.clients.values()) client.socket.terminate();
        await server.becomesIdle();
      });
    }
  });
}
