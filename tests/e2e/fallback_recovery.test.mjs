// Connections without a WebSocket that break, servers that stop, and what clients notice of it.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';

import { longPoll } from '../../clients/js/long_poll.js';
import { closeClients, encode, makeClient } from './clients.mjs';
import { kFallbacks, kKeptAliveMs, over, sessionsEnd } from './fallbacks.mjs';
import { startServer } from './harness.mjs';
import { configOf, freshChannel, listen, publishAll, range } from './streams.mjs';
import { eventOf } from './waiting.mjs';
import { Wire } from './wire.mjs';

const kConfig = configOf(
  { log: { history_size: 100, history_ttl: '300s', force_recovery: true } },
  { workers: 4, long_poll: { poll_timeout: '3s' } },
);
const kSoon = { minReconnectDelay: 1, maxReconnectDelay: 100 };
const kLong = 15_000;

// A connected client and its live subscription. A poll that brings no answer is repeated for
// `patience` ms.
async function open(at, [transport, protocol], channel, patience) {
  const fetch = longPoll({ patience });
  const client = makeClient(at, { protocol, ...over(at, [transport], { fetch }), ...kSoon });
  const subscription = listen(client, channel);
  const connected = eventOf(client, 'connected');
  client.connect();
  client.id = (await connected).client;
  subscription.first = await subscription.replies.next();
  return [client, subscription];
}

for (const kind of kFallbacks) {
  const [transport, protocol] = kind;
  describe(`${transport} in ${protocol}`, () => {
    let server;
    let wire;
    before(async () => {
      server = await startServer({ config: kConfig });
      wire = await Wire.to(server);
    });
    afterEach(async () => {
      wire.restore();
      closeClients();
      await sessionsEnd(server, kLong);
    });
    after(async () => {
      wire.close();
      await server.becomesIdle(kKeptAliveMs);
      await server.stop();
    });

    test('what_was_missed_while_away_comes_once_and_in_order', async () => {
      const channel = freshChannel('log');
      const [client, hears] = await open(wire, kind, channel, 200);
      await publishAll(server, channel, range(1, 3));
      assert.deepEqual(await hears.heard(3), range(1, 3));
      const away = eventOf(client, 'connecting');
      wire.sever();
      await away;
      await publishAll(server, channel, range(4, 9));
      wire.restore();
      const back = await hears.replies.next();
      assert.deepEqual([back.wasRecovering, back.recovered], [true, true]);
      await publishAll(server, channel, range(10, 12));
      assert.deepEqual(await hears.heard(9), range(4, 12));
      await client.publish(channel, encode(client, 'on'));
      assert.deepEqual(await hears.heard(1), ['on']);
    });

    test('resets_while_much_is_under_way_lose_and_repeat_nothing', async () => {
      const channel = freshChannel('log');
      const [, hears] = await open(wire, kind, channel, 2000);
      for (const from of range(0, 7)) {
        const publishing = publishAll(server, channel, range(10 * from + 1, 10 * from + 10));
        wire.cut();
        await publishing;
      }
      assert.deepEqual(await hears.heard(80), range(1, 80));
      assert.equal(hears.publications.items.length, 0);
    });

    test('a_server_that_stops_says_so_and_is_found_again_when_it_is_back', async () => {
      const first = await startServer({ config: kConfig });
      const channel = freshChannel('log');
      const [client, hears] = await open(first, kind, channel);
      const connecting = eventOf(client, 'connecting');
      first.kill('SIGTERM');
      assert.deepEqual(await connecting, { code: 3001, reason: 'shutdown' });
      assert.deepEqual(await first.ended(), { code: 0, signal: null });
      const second = await startServer({ config: kConfig, port: first.port });
      await hears.replies.next(kLong);
      await client.publish(channel, encode(client, 'after'));
      assert.deepEqual(await hears.heard(1), ['after']);
      client.disconnect();
      await sessionsEnd(second, kLong);
      await second.stop();
    });

    test('a_server_that_crashed_is_found_again_when_it_is_back', async () => {
      const first = await startServer({ config: kConfig });
      const channel = freshChannel('log');
      const [client, hears] = await open(first, kind, channel);
      const connecting = eventOf(client, 'connecting', { within: kLong });
      first.kill('SIGKILL');
      await first.ended();
      const second = await startServer({ config: kConfig, port: first.port });
      assert.equal((await connecting).code, 1);
      await hears.replies.next(kLong);
      await publishAll(second, channel, ['after']);
      assert.deepEqual(await hears.heard(1), ['after']);
      client.disconnect();
      await sessionsEnd(second, kLong);
      await second.stop();
    });
  });
}

describe('a long poll', () => {
  let server;
  let wire;
  before(async () => {
    server = await startServer({ config: kConfig });
    wire = await Wire.to(server);
  });
  after(async () => {
    closeClients();
    wire.close();
    await server.becomesIdle(kKeptAliveMs);
    await server.stop();
  });

  for (const protocol of ['json', 'protobuf']) {
    test(`that_breaks_is_made_again_and_the_session_lives_on_over_${protocol}`, async () => {
      const channel = freshChannel('log');
      const [client, hears] = await open(wire, ['long_poll', protocol], channel);
      const left = [];
      client.on('connecting', (context) => left.push(context));
      for (const i of range(1, 5)) {
        wire.cut();
        await publishAll(server, channel, [i]);
        assert.deepEqual(await hears.heard(1), [i]);
      }
      await client.publish(channel, encode(client, 'on'));
      assert.deepEqual(await hears.heard(1), ['on']);
      assert.deepEqual(left, []);
    });
  }

  test('that_nobody_makes_any_more_ends_the_session', async () => {
    const [, hears] = await open(wire, ['long_poll', 'json'], freshChannel('log'));
    assert.equal(hears.state, 'subscribed');
    closeClients();
    const [, other] = await open(wire, ['long_poll', 'json'], freshChannel('log'));
    wire.sever();
    assert.equal(other.state, 'subscribed');
    await sessionsEnd(server, kLong);
    wire.restore();
  });
});
