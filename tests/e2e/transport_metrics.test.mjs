// What each transport carries and costs, as /metrics tells it: connections, messages, bytes, memory.

import assert from 'node:assert/strict';
import net from 'node:net';
import { after, afterEach, before, describe, test } from 'node:test';

import { RawClient, closeClients } from './clients.mjs';
import { startServer } from './harness.mjs';
import { HttpStream, closeStreams, kConnect, openPolls, openSession, post } from './http_streams.mjs';
import { api, configOf } from './streams.mjs';
import { until } from './waiting.mjs';

const kTransports = [
  'websocket',
  'http_stream',
  'sse',
  'long_poll',
  'uni_websocket',
  'uni_http_stream',
  'uni_sse',
];
const kLarge = 3_000_000; // bytes: more than sockets hold
const kKeptMax = 16 * 1024 * 1024;

let server;
before(async () => {
  server = await startServer({
    config: configOf(
      {},
      {
        workers: 2,
        client: { queue_max_size: kKeptMax },
        http_server: { body_bytes_max: kKeptMax },
      },
    ),
  });
});
const meters = [];
const polling = [];
afterEach(async () => {
  for (const session of polling.splice(0)) await session.leave();
  closeClients();
  closeStreams();
  for (const meter of meters.splice(0)) meter.close();
  await server.becomesIdle();
});
after(() => server.stop());

// A way to the server that counts what goes through it: {host, port, sent, received, close()}.
async function startMeter() {
  const sockets = new Set();
  const meter = { host: '127.0.0.1', sent: 0, received: 0 };
  const listener = net.createServer((near) => {
    const far = net.connect({ host: server.host, port: server.port });
    for (const [from, to, way] of [
      [near, far, 'sent'],
      [far, near, 'received'],
    ]) {
      sockets.add(from);
      from.on('data', (bytes) => (meter[way] += bytes.length));
      from.on('error', () => to.destroy());
      from.on('close', () => to.destroy());
      from.pipe(to);
    }
  });
  await new Promise((done) => listener.listen({ host: meter.host, port: 0 }, done));
  meter.port = listener.address().port;
  meter.url = `http://${meter.host}:${meter.port}`;
  meter.wsUrl = `ws://${meter.host}:${meter.port}/connection/websocket`;
  meter.close = () => {
    listener.close();
    for (const socket of sockets) socket.destroy();
  };
  meters.push(meter);
  return meter;
}

async function counted(transport) {
  const scrape = await server.metrics();
  const of = (name, direction) => scrape.value(name, { transport, ...(direction && { direction }) });
  return {
    connections: of('millrace_transport_connections'),
    bytes_in: of('millrace_bytes_total', 'inbound'),
    bytes_out: of('millrace_bytes_total', 'outbound'),
    messages_in: of('millrace_messages_total', 'inbound'),
    messages_out: of('millrace_messages_total', 'outbound'),
  };
}

const changes = (before, after) =>
  Object.fromEntries(Object.entries(after).map(([name, value]) => [name, value - before[name]]));

const kSubscribe = { id: 2, subscribe: { channel: 'a' } };

// A session of long polling that ends with its test.
async function openPollsOf(at) {
  const session = await openPolls(at);
  polling.push(session);
  return session;
}

async function sse(at) {
  const stream = await HttpStream.open(at, `/connection/sse?cf_connect=${encodeURIComponent(kConnect)}`, {
    method: 'GET',
  });
  const { session, node } = (await stream.message()).connect;
  const tell = (command) => post(at, '/emulation', { session, node, data: JSON.stringify(command) });
  return { stream, tell };
}

// Makes a connection that hears the channel a, and resolves to what makes it hear one publication.
const kConversations = {
  async websocket(at) {
    const client = await RawClient.open(at);
    await client.ask(kConnect);
    await client.ask(kSubscribe);
    return () => client.messages.next();
  },
  async http_stream(at) {
    const { stream, tell } = await openSession(at);
    assert.equal((await tell(kSubscribe)).status, 204);
    await stream.message();
    return () => stream.message();
  },
  async sse(at) {
    const { stream, tell } = await sse(at);
    assert.equal((await tell(kSubscribe)).status, 204);
    await stream.message();
    return () => stream.message();
  },
  async long_poll(at) {
    const { poll, tell } = await openPollsOf(at);
    assert.equal((await tell(kSubscribe)).status, 204);
    assert.equal((await poll(1)).messages[0].id, 2);
    return async () => {
      assert.equal((await poll(2)).messages.length, 1);
      // Lost on its way, as far as the server knows: it leaves again, and is counted again.
      assert.equal((await poll(2)).messages.length, 1);
    };
  },
  async uni_websocket(at) {
    const client = await RawClient.open(at, {
      path: '/connection/uni_websocket',
      query: 'channel=a',
    });
    await client.messages.next();
    return () => client.messages.next();
  },
  async uni_http_stream(at) {
    const stream = await HttpStream.open(at, '/connection/uni_http_stream?channel=a');
    await stream.message();
    return () => stream.message();
  },
  async uni_sse(at) {
    const stream = await HttpStream.open(at, '/connection/uni_sse?channel=a', { method: 'GET' });
    await stream.message();
    return () => stream.message();
  },
};

for (const transport of kTransports) {
  test(`connections_messages_and_bytes_of_${transport}_are_counted_as_its_own`, async () => {
    const meter = await startMeter();
    const before = await counted(transport);
    const hear = await kConversations[transport](meter);
    await api(server, 'publish', { channel: 'a', data: 'x'.repeat(1000) });
    await hear();
    const isUni = transport.startsWith('uni_');
    const grown = await until(async () => {
      const now = changes(before, await counted(transport));
      return now.bytes_in >= meter.sent && now.bytes_out >= meter.received && now;
    }, 'all bytes are counted');
    assert.deepEqual(grown, {
      connections: 1,
      bytes_in: meter.sent,
      bytes_out: meter.received,
      messages_in: isUni ? 0 : 2, // connect, subscribe
      messages_out: isUni ? 2 : 3, // that they are there, and the publication
    });
  });
}

describe('memory', () => {
  const sizes = async (transport) => {
    const scrape = await server.metrics();
    return ['outbox', 'kept'].map((what) =>
      scrape.value(`millrace_transport_${what}_bytes`, { transport }),
    );
  };
  const comesTo = (transport, isSo, what) =>
    until(async () => {
      const [outbox, kept] = await sizes(transport);
      return isSo(outbox, kept);
    }, what);

  test('of_a_poll_is_what_waits_for_it_and_what_was_not_acknowledged', async () => {
    const { poll, tell } = await openPollsOf(server);
    const own = Buffer.byteLength((await poll(0)).body); // of the first response, once more
    assert.deepEqual(await sizes('long_poll'), [0, own]);
    await tell(kSubscribe);
    await poll(1);
    await api(server, 'publish', { channel: 'a', data: 'x'.repeat(10_000) });
    await comesTo('long_poll', (outbox) => outbox > 10_000, 'a publication waits');
    const { body } = await poll(2);
    await comesTo(
      'long_poll',
      (outbox, kept) => outbox === 0 && kept === Buffer.byteLength(body),
      'it is kept until it is acknowledged',
    );
    const held = poll(3);
    await comesTo('long_poll', (outbox, kept) => outbox + kept === 0, 'nothing is kept');
    await api(server, 'publish', { channel: 'a', data: 1 });
    assert.equal((await held).status, 200);
  });

  test('of_commands_is_what_waits_until_their_client_reads', async () => {
    const { poll, tell } = await openPollsOf(server);
    await tell(kSubscribe);
    await poll(1);
    const data = 'x'.repeat(kKeptMax / 2 + 1);
    await api(server, 'publish', { channel: 'a', data });
    await comesTo('long_poll', (outbox) => outbox > data.length, 'much waits');
    const command = { id: 3, publish: { channel: 'b', data: 'y'.repeat(1000) } };
    const [, before] = await sizes('long_poll');
    const told = tell(command);
    const size = `${JSON.stringify(command)}\n`.length;
    await comesTo('long_poll', (_, kept) => kept === before + size, 'a command waits');
    const { body } = await poll(2);
    assert.equal((await told).status, 204);
    await comesTo('long_poll', (_, kept) => kept === body.length, 'it waits no more');
    assert.equal((await poll(3)).messages[0].id, 3);
  });

  test('of_a_stream_is_what_its_client_does_not_read', async () => {
    const stream = await HttpStream.open(server, '/connection/uni_sse?channel=a', { method: 'GET' });
    await stream.message();
    stream.response.pause();
    for (let i = 0; i < 3; i++) {
      await api(server, 'publish', { channel: 'a', data: 'x'.repeat(kLarge) });
    }
    await comesTo('uni_sse', (outbox) => outbox > 0, 'bytes wait');
    stream.response.resume();
    for (let i = 0; i < 3; i++) assert.equal((await stream.message()).pub.data.length, kLarge);
    await comesTo('uni_sse', (outbox) => outbox === 0, 'none wait');
  });
});
