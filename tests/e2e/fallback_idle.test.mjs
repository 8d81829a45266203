// What lies between a client and the server takes silence for death, or holds back how a response
// begins: streams are kept alive, and may begin with something to hold back.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';

import { closeClients, encode, makeClient } from './clients.mjs';
import { cutSilent, holdBack, startProxy } from './crooked_proxy.mjs';
import { connectionsOver, kKeptAliveMs, over } from './fallbacks.mjs';
import { startServer } from './harness.mjs';
import { HttpStream, closeStreams } from './http_streams.mjs';
import { api, configOf, freshChannel, listen } from './streams.mjs';
import { eventOf, until } from './waiting.mjs';

const kStreams = [
  ['http_stream', 'json'],
  ['http_stream', 'protobuf'],
  ['sse', 'json'],
];
const kStreamGroups = ['http_stream', 'sse', 'uni_http_stream', 'uni_sse'];
const kLong = 20_000;

// A server whose streams all have these options.
function serverWith(options, client = {}) {
  const groups = Object.fromEntries(kStreamGroups.map((group) => [group, options]));
  const log = { history_size: 100, history_ttl: '300s', force_recovery: true };
  return startServer({ config: configOf({ log }, { workers: 1, client, ...groups }) });
}

// Those that the server has written on a transport.
async function fillers(server, transport) {
  return (await server.metrics()).value('millrace_keep_alives_total', { transport });
}

function moreFillers(server, transport, count) {
  return until(
    async () => (await fillers(server, transport)) >= count,
    `${count} fillers on ${transport}`,
    kLong,
  );
}

// A client with a live subscription, and every state that it was in.
async function open(at, transports, channel, options) {
  const client = makeClient(at, { ...over(at, transports), ...options });
  client.states = [];
  client.errors = [];
  client.on('state', ({ newState }) => client.states.push(newState));
  client.on('error', (error) => client.errors.push(error));
  const hears = listen(client, channel);
  client.connect();
  await hears.replies.next(kLong);
  return [client, hears];
}

function neverNoticed(client) {
  assert.deepEqual(client.states, ['connecting', 'connected']);
  assert.deepEqual(client.errors, []);
}

async function talks(server, client, hears, channel) {
  await api(server, 'publish', { channel, data: 'there' });
  assert.deepEqual(await hears.heard(1), ['there']);
  await client.publish(channel, encode(client, 'back'));
  assert.deepEqual(await hears.heard(1), ['back']);
}

const kPings = {
  'without pings': { ping_interval: '0s' },
  'with pings that are rare': { ping_interval: '10m', pong_timeout: '8s' },
};
for (const [name, client] of Object.entries(kPings)) {
  describe(`a server ${name}`, () => {
    let server;
    before(async () => (server = await serverWith({ keep_alive_interval: '1s' }, client)));
    afterEach(async () => {
      closeClients();
      closeStreams();
      await server.becomesIdle(kKeptAliveMs);
    });
    after(() => server.stop());

    for (const [transport, protocol] of kStreams) {
      test(`keeps_${transport}_alive_in_${protocol}_behind_a_proxy_with_little_patience`, async () => {
        const proxy = await startProxy(server, cutSilent(4000));
        const channel = freshChannel('log');
        const before = await fillers(server, transport);
        const [client, hears] = await open(proxy, [transport], channel, { protocol });
        await moreFillers(server, transport, before + 6);
        await talks(server, client, hears, channel);
        neverNoticed(client);
        proxy.close();
      });
    }

    test('keeps_those_alive_who_only_listen', async () => {
      const lines = await HttpStream.open(server, '/connection/uni_http_stream?channel=a');
      const events = await HttpStream.open(server, '/connection/uni_sse?channel=a', {
        method: 'GET',
      });
      for (const stream of [lines, events]) assert.ok((await stream.message()).connect);
      const begun = lines.text.length;
      await moreFillers(server, 'uni_http_stream', 2);
      await until(() => lines.text.length >= begun + 2, 'two fillers between lines');
      assert.match(lines.text.slice(begun), /^ +$/);
      await until(() => /\n\n:\n\n:\n\n$/.test(events.text), 'two comments', kLong);
      await api(server, 'publish', { channel: 'a', data: 1 });
      for (const stream of [lines, events]) assert.equal((await stream.message()).pub.data, 1);
    });

    test('writes_nothing_where_something_is_said_all_the_time', async () => {
      const path = (channel) => `/connection/uni_sse?channel=${channel}`;
      const busy = await HttpStream.open(server, path('busy'), { method: 'GET' });
      const quiet = await HttpStream.open(server, path('quiet'), { method: 'GET' });
      for (const stream of [busy, quiet]) await stream.message();
      const comments = (stream) => stream.text.match(/^:$/gm)?.length ?? 0;
      while (comments(quiet) < 3) {
        await api(server, 'publish', { channel: 'busy', data: 'said' });
        assert.equal((await busy.message()).pub.data, 'said');
      }
      assert.ok(comments(busy) < comments(quiet), `${comments(busy)} comments`);
    });
  });
}

describe('pings that come often enough', () => {
  let server;
  before(async () => {
    const pings = { ping_interval: '1s', pong_timeout: '500ms' };
    server = await serverWith({ keep_alive_interval: '1s' }, pings);
  });
  after(() => server.stop());
  afterEach(closeClients);

  test('leave_nothing_to_do', async () => {
    const [client] = await open(server, ['http_stream'], freshChannel('log'));
    await until(async () => (await server.metrics()).value('millrace_pings_total') >= 3, '3 pings');
    assert.equal(await fillers(server, 'http_stream'), 0);
    neverNoticed(client);
  });
});

describe('a proxy that cuts what is silent', () => {
  let server;
  before(async () => {
    server = await serverWith({ keep_alive_interval: '0s' }, { ping_interval: '0s' });
  });
  after(() => server.stop());
  afterEach(closeClients);

  test('cuts_streams_that_nothing_keeps_alive', async () => {
    const proxy = await startProxy(server, cutSilent(1000));
    const [client] = await open(proxy, ['http_stream'], freshChannel('log'));
    const { code } = await eventOf(client, 'connecting');
    assert.equal(code, 1); // the transport was closed
    assert.equal(await fillers(server, 'http_stream'), 0);
  });
});

describe('a proxy that holds back the first two kilobytes', () => {
  const kFirst = 2048;
  const kTimeout = { timeout: 1500 };

  test('lets_no_stream_through_without_padding', async () => {
    const server = await serverWith({});
    const proxy = await startProxy(server, holdBack(kFirst));
    const channel = freshChannel('log');
    const transports = ['http_stream', 'sse', 'long_poll'];
    const [client, hears] = await open(proxy, transports, channel, kTimeout);
    assert.equal(await connectionsOver(server, 'long_poll'), 1);
    await talks(server, client, hears, channel);
    closeClients();
    await server.stop();
  });

  describe('and padding', () => {
    let server;
    before(async () => (server = await serverWith({ padding_bytes: kFirst })));
    afterEach(async () => {
      closeClients();
      closeStreams();
      await server.becomesIdle(kKeptAliveMs);
    });
    after(() => server.stop());

    for (const [transport, protocol] of kStreams) {
      test(`lets_${transport}_through_in_${protocol}`, async () => {
        const proxy = await startProxy(server, holdBack(kFirst));
        const channel = freshChannel('log');
        const [client, hears] = await open(proxy, [transport], channel, { protocol, ...kTimeout });
        await talks(server, client, hears, channel);
        neverNoticed(client);
        proxy.close();
      });
    }

    for (const [kind, begins] of [
      ['uni_http_stream', new RegExp(`^ {${kFirst}}\\{"connect"`)],
      ['uni_sse', new RegExp(`^: {${kFirst - 3}}\n\ndata: \\{"connect"`)],
    ]) {
      test(`stands_before_the_first_message_of_${kind}`, async () => {
        const proxy = await startProxy(server, holdBack(kFirst));
        const stream = await HttpStream.open(proxy, `/connection/${kind}?channel=a`, {
          method: 'GET',
        });
        assert.ok((await stream.message()).connect);
        assert.match(stream.text, begins);
        proxy.close();
      });
    }
  });
});
