// What an idle client costs the server's process, by transport, and inside TLS. Memory is told by
// what a crowd adds to another one: time, and what is needed only once, make no difference.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';

import { makeCertificate } from './certificates.mjs';
import { makeFolder, startServer } from './harness.mjs';
import { comeAllIdle, closeIdleClients, frameOf, kIdleConfig } from './idle_clients.mjs';
import { eventOf, until } from './waiting.mjs';

const kWithin = 60_000; // ms

// docs/operations.md says them, and src/doctor/assumptions.h those of WebSockets.
const kWebSocketBytesMax = 700;
const kOfWebSocketMax = 1.2;
const kHeldPollBytesMax = 4_000;
const kTlsBytesMax = 16_000; // more

// What may be left of a connection's traffic; record buffers would be 17,000.
const kLeftBytesMax = 1_000;

// Pages of its own, in bytes: those of files come and go with what else the machine does.
function memoryOf({ pid }) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/^RssAnon:\s+(\d+) kB$/m.exec(status)[1]) * 1024;
}

afterEach(closeIdleClients);

// How much memory `counted` idle clients take beyond `first` others, for each.
async function bytesEach(server, transport, { first, counted, ...options }) {
  const come = async (count, all) => {
    const sockets = await comeAllIdle(server, transport, count, options);
    const scrape = await server.metrics();
    assert.equal(scrape.value('millrace_connections'), all);
    if (transport !== 'long_poll') return sockets;
    const asked = async () => (await server.metrics()).value('millrace_http_requests_total');
    await until(async () => (await asked()) >= 2 * all, 'all polls are held', kWithin);
    return sockets;
  };
  await come(first, first);
  const before = memoryOf(server);
  const sockets = await come(counted, first + counted);
  return { each: (memoryOf(server) - before) / counted, sockets };
}

describe('an idle client', () => {
  const measured = async (transport) => {
    const server = await startServer({ config: kIdleConfig });
    const { each } = await bytesEach(server, transport, { first: 1_000, counted: 4_000 });
    closeIdleClients();
    await server.stop();
    return each;
  };

  let websocket;
  before(async () => {
    websocket = await measured('websocket');
  });

  test('of_a_websocket_costs_little_memory', () => {
    assert.ok(websocket > 0 && websocket <= kWebSocketBytesMax, `${websocket} bytes each`);
  });

  for (const transport of ['sse', 'http_stream', 'uni_sse', 'uni_http_stream', 'uni_websocket']) {
    test(`of_${transport}_costs_no_more_than_a_websocket_and_a_fifth`, async () => {
      const each = await measured(transport);
      const words = `${each} bytes each, and a WebSocket ${websocket}`;
      assert.ok(each > 0 && each <= kOfWebSocketMax * websocket, words);
    });
  }

  // With the HTTP connection that it waits on.
  test('of_long_polling_whose_poll_is_held_is_bounded', async () => {
    const each = await measured('long_poll');
    assert.ok(each > websocket && each <= kHeldPollBytesMax, `${each} bytes each`);
  });
});

describe('an idle client inside TLS', () => {
  const kClients = { first: 200, counted: 1_200, atOnce: 20 };
  const certificate = makeCertificate('ecdsa');
  let server;
  before(async () => {
    // What the harness asks over the unix socket stays plain.
    const socketPath = join(makeFolder(), 's');
    const { certFile, keyFile } = certificate;
    const secure = { enabled: true, cert_pem: certFile, key_pem: keyFile };
    server = await startServer({
      socketPath,
      config: { ...kIdleConfig, http_server: { unix_socket: socketPath, tls: secure } },
    });
  });
  after(() => server.stop());

  // Sends a command and has the whole reply.
  async function ask(socket, id, command) {
    let got = '';
    const hear = (chunk) => (got += chunk.toString('latin1'));
    socket.on('data', hear);
    socket.write(frameOf(JSON.stringify({ id, ...command })));
    const whole = () => got.includes(`"id":${id}`) && got.endsWith('}');
    await eventOf(socket, 'data', { where: whole, within: kWithin });
    socket.off('data', hear);
    return got;
  }

  test('costs_no_record_buffers_neither_before_nor_after_it_was_busy', async () => {
    const secure = { ca: [certificate.cert] };
    const { each, sockets } = await bytesEach(server, 'websocket', { ...kClients, secure });
    assert.ok(each > 5_000 && each <= kWebSocketBytesMax + kTlsBytesMax, `${each} bytes each`);
    const data = 'x'.repeat(10_000);
    // One after the other, so that what they need at the same time is one's.
    const talk = async () => {
      for (const socket of sockets) {
        await ask(socket, 2, { publish: { channel: 'other', data } });
        const history = await ask(socket, 3, { history: { channel: 'other', limit: 10 } });
        assert.ok(history.length > 10_000);
      }
    };
    await ask(sockets[0], 2, { publish: { channel: 'other', data } });
    const before = memoryOf(server);
    await talk();
    const left = (memoryOf(server) - before) / sockets.length;
    assert.ok(left <= kLeftBytesMax, `${left} bytes are left of each one's traffic`);
  });
});
