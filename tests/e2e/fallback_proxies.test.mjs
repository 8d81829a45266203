// Networks that let no WebSocket through, or worse: the client finds a way by itself, and nothing
// is lost on it.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';

import { closeClients, encode, makeClient } from './clients.mjs';
import { cutAfter, gather, kSpoils, pass, spoilPolls, startProxy } from './crooked_proxy.mjs';
import { connectionsOver, kFallbacks, kKeptAliveMs, over, sessionsEnd } from './fallbacks.mjs';
import { startServer } from './harness.mjs';
import { configOf, freshChannel, listen, publishAll, range } from './streams.mjs';

const kWithin = 30_000; // for a client to try one transport after the other
const kConfig = configOf(
  { log: { history_size: 1000, history_ttl: '300s', force_recovery: true } },
  { workers: 4, long_poll: { poll_timeout: '3s' } },
);
const kSoon = { minReconnectDelay: 1, maxReconnectDelay: 20 };

let server;
const proxies = [];
before(async () => (server = await startServer({ config: kConfig })));
afterEach(async () => {
  closeClients();
  await sessionsEnd(server, kWithin);
  for (const proxy of proxies.splice(0)) proxy.close();
});
after(() => server.stop());

async function startBefore(...options) {
  const proxy = await startProxy(server, ...options);
  proxies.push(proxy);
  return proxy;
}

// A client behind a proxy and its live subscription.
async function open(proxy, transports, channel, options) {
  const client = makeClient(proxy, { ...over(proxy, transports), ...kSoon, ...options });
  client.states = [];
  client.on('state', ({ newState }) => client.states.push(newState));
  client.on('connected', ({ transport }) => (client.transport = transport));
  const subscription = listen(client, channel);
  client.connect();
  await subscription.replies.next(kWithin);
  return [client, subscription];
}

async function talks(client, hears, channel) {
  await publishAll(server, channel, range(1, 5));
  assert.deepEqual(await hears.heard(5), range(1, 5));
  await client.publish(channel, encode(client, 'back'));
  assert.deepEqual(await hears.heard(1), ['back']);
}

for (const hangs of [false, true]) {
  describe(`a network where WebSockets ${hangs ? 'are never answered' : 'are refused'}`, () => {
    for (const [transport, protocol] of kFallbacks) {
      test(`leads_to_${transport}_in_${protocol}`, async () => {
        const channel = freshChannel('log');
        const proxy = await startBefore(pass, { hangs });
        const transports = ['websocket', transport];
        const options = { protocol, timeout: 1000 };
        const [client, hears] = await open(proxy, transports, channel, options);
        assert.equal(await connectionsOver(server, transport), 1);
        await talks(client, hears, channel);
      });
    }
  });
}

describe('a proxy that gathers whole responses', () => {
  for (const protocol of ['json', 'protobuf']) {
    test(`lets_only_long_polls_through_over_${protocol}`, async () => {
      const channel = freshChannel('log');
      const proxy = await startBefore(gather);
      const transports = ['websocket', 'http_stream', 'sse', 'long_poll'].filter(
        (transport) => protocol === 'json' || transport !== 'sse',
      );
      const options = { protocol, timeout: 1000 };
      const [client, hears] = await open(proxy, transports, channel, options);
      assert.equal(await connectionsOver(server, 'long_poll'), 1);
      await talks(client, hears, channel);
      assert.equal(client.state, 'connected');
    });
  }
});

describe('a proxy that cuts responses wherever it likes', () => {
  // The same each time: minimal standard generator of Lehmer.
  const lengths = () => {
    let state = 20_260_101;
    return () => {
      state = (state * 48_271) % 2_147_483_647;
      return 300 + Math.floor(30_000 * (state / 2_147_483_647) ** 2);
    };
  };

  for (const [transport, protocol] of kFallbacks) {
    test(`loses_and_repeats_nothing_over_${transport}_in_${protocol}`, async () => {
      const channel = freshChannel('log');
      const proxy = await startBefore(cutAfter(lengths()));
      const [, hears] = await open(proxy, [transport], channel, { protocol });
      const value = (i) => `${i} ${'z'.repeat(200)}`;
      for (let from = 1; from < 400; from += 20) {
        await publishAll(server, channel, range(from, from + 19).map(value));
      }
      const heard = [];
      while (heard.length < 400) heard.push((await hears.publications.next(kWithin)).data);
      assert.deepEqual(heard, range(1, 400).map(value));
      assert.equal(hears.publications.items.length, 0);
    });
  }
});

for (const [name, spoil] of Object.entries(kSpoils)) {
  describe(`a proxy that leaves answers of polls ${name}`, () => {
    for (const protocol of ['json', 'protobuf']) {
      test(`is_not_noticed_over_${protocol}`, async () => {
        const channel = freshChannel('log');
        const proxy = await startBefore(spoilPolls(spoil));
        const [client, hears] = await open(proxy, ['long_poll'], channel, { protocol });
        for (const from of range(0, 4)) {
          await publishAll(server, channel, range(10 * from + 1, 10 * from + 10));
          assert.deepEqual(await hears.heard(10), range(10 * from + 1, 10 * from + 10));
        }
        await client.publish(channel, encode(client, 'back'));
        assert.deepEqual(await hears.heard(1), ['back']);
        assert.equal(hears.publications.items.length, 0);
        assert.deepEqual(client.states, ['connecting', 'connected']);
      });
    }
  });
}

test('nothing_is_left_behind', () => server.becomesIdle(kKeptAliveMs));
