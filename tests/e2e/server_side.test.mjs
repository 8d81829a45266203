// Server-side subscriptions: a token subscribes its client, and a connection that breaks goes on
// where it was.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';

import { closeSockets } from './breakable.mjs';
import { RawClient, closeClients, decode, makeClient } from './clients.mjs';
import { startServer } from './harness.mjs';
import { api, breakAway, configOf, freshChannel, makeBreakable, range } from './streams.mjs';
import { connectAs, inSeconds, isRefused, kSecret, refusal, tokenOf } from './tokens.mjs';
import { Inbox, eventOf } from './waiting.mjs';

const kLog = { history_size: 1000, history_ttl: '300s' };
const kLimit = 64; // channels of a connection

let server;
before(async () => {
  server = await startServer({
    dev: false,
    config: configOf(
      {
        plain: {},
        open: { allow_subscribe_for_client: true },
        log: { ...kLog, force_recovery: true },
        kept: kLog,
        room: { presence: true, join_leave: true, force_push_join_leave: true },
        quiet: { presence: true, join_leave: true },
      },
      { client: { token: { hmac_secret_key: kSecret }, channel_limit: kLimit } },
    ),
  });
});
afterEach(async () => {
  closeClients();
  closeSockets();
  await server.becomesIdle();
});
after(() => server.stop());

const publish = (channel, data) => api(server, 'publish', { channel, data });

// A client that its token subscribes, not connected yet; what it hears by kind, each an Inbox.
async function clientOf(claims, options) {
  const client = makeBreakable(server, {
    token: await tokenOf({ sub: '42', ...claims }),
    ...options,
  });
  client.heard = {};
  for (const kind of ['subscribed', 'unsubscribed', 'publication', 'join', 'leave']) {
    client.heard[kind] = new Inbox(kind);
    client.on(kind, (context) => client.heard[kind].push(context));
  }
  return client;
}

async function connected(claims, options) {
  const client = await clientOf(claims, options);
  client.connect();
  client.id = (await eventOf(client, 'connected')).client;
  return client;
}

// A raw client and the reply to its connect.
async function open(claims, connect = {}) {
  const raw = await RawClient.open(server);
  const token = await tokenOf({ sub: '42', ...claims });
  raw.answer = JSON.parse(await raw.ask({ id: 1, connect: { token, ...connect } }));
  raw.reply = raw.answer.connect;
  return raw;
}

for (const protocol of ['json', 'protobuf']) {
  describe(`a token over ${protocol}`, () => {
    test('subscribes_its_client_to_channels', async () => {
      const channels = [freshChannel('plain'), `$${freshChannel('plain')}`];
      const client = await connected({ channels }, { protocol });
      const subscribed = await client.heard.subscribed.take(2);
      assert.deepEqual(subscribed.map(({ channel }) => channel).sort(), [...channels].sort());
      for (const channel of channels) {
        await publish(channel, { of: channel });
        const heard = await client.heard.publication.next();
        assert.deepEqual([heard.channel, decode(heard.data)], [channel, { of: channel }]);
      }
    });

    test('says_more_about_each_of_them', async () => {
      const channel = freshChannel('room');
      const watcher = await connected({ sub: 'watcher', channels: [channel] }, { protocol });
      await watcher.heard.join.next(); // its own
      const subs = { [channel]: { info: { role: 'owner' }, data: { topic: 'mills' } } };
      const info = { name: 'Ada' };
      const ignored = freshChannel('plain');
      const client = await connected({ subs, channels: [ignored], info }, { protocol });
      const subscribed = await client.heard.subscribed.next();
      assert.equal(subscribed.channel, channel);
      assert.deepEqual(decode(subscribed.data), { topic: 'mills' });
      const seen = [await watcher.heard.join.next(), await client.heard.join.next()];
      client.disconnect();
      seen.push(await watcher.heard.leave.next());
      for (const { channel: where, info: who } of seen) {
        assert.equal(where, channel);
        assert.equal(who.user, '42');
        assert.deepEqual(decode(who.connInfo), info);
        assert.deepEqual(decode(who.chanInfo), { role: 'owner' });
      }
      assert.equal(client.heard.subscribed.items.length, 0, 'channels are not for where subs are');
    });

    test('may_override_what_the_namespace_says', async () => {
      const is = (value) => ({ value });
      const kept = freshChannel('kept');
      const forced = freshChannel('quiet');
      const unforced = freshChannel('room');
      const hidden = freshChannel('room');
      const subs = {
        [kept]: { override: { force_recovery: is(true) } },
        [forced]: { override: { force_push_join_leave: is(true) } },
        [unforced]: { override: { force_push_join_leave: is(false) } },
        [hidden]: { override: { presence: is(false), join_leave: is(false) } },
      };
      const client = await connected({ subs }, { protocol });
      const replies = await client.heard.subscribed.take(4);
      const recoverable = replies.filter((each) => each.recoverable).map(({ channel }) => channel);
      assert.deepEqual(recoverable, [kept]);
      const other = await connected(
        { sub: '43', channels: [forced, unforced, hidden] },
        { protocol },
      );
      assert.deepEqual(
        (await client.heard.join.take(2)).map(({ channel, info }) => [channel, info.user]),
        [
          [forced, '42'],
          [forced, '43'],
        ],
      );
      const { presence } = await api(server, 'presence', { channel: hidden });
      assert.deepEqual(Object.keys(presence), [other.id]);
      assert.equal(client.heard.join.items.length, 0);
    });
  });

  describe(`a server-side subscription over ${protocol}`, () => {
    test('goes_on_where_it_was_when_the_connection_breaks', async () => {
      const channels = [freshChannel('log'), freshChannel('log')];
      const all = Object.fromEntries(channels.map((channel) => [channel, []]));
      const client = await connected({ channels }, { protocol });
      client.on('publication', ({ channel, data }) => all[channel].push(decode(data)));
      await client.heard.subscribed.take(2);
      let number = 0;
      const publishSome = async () => {
        number += 1;
        for (const channel of channels) await publish(channel, number);
      };
      for (const how of ['reset', 'vanish', 'leave', 'reset']) {
        await publishSome();
        await breakAway(client, how);
        await publishSome();
        const reconnected = eventOf(client, 'connected');
        client.network.down = false;
        await publishSome();
        await reconnected;
        for (const { recovered, wasRecovering } of await client.heard.subscribed.take(2)) {
          assert.deepEqual([wasRecovering, recovered], [true, true]);
        }
        await publishSome();
      }
      await client.heard.publication.take(2 * number);
      for (const channel of channels) assert.deepEqual(all[channel], range(1, number));
    });

    test('that_cannot_be_recovered_says_so_and_goes_on_from_now', async () => {
      const channel = freshChannel('log');
      const client = await connected({ channels: [channel] }, { protocol });
      await publish(channel, 1);
      await client.heard.publication.next();
      await breakAway(client);
      await publish(channel, 2);
      await api(server, 'history_remove', { channel });
      client.network.down = false;
      await client.heard.subscribed.next();
      const { wasRecovering, recovered } = await client.heard.subscribed.next();
      assert.deepEqual([wasRecovering, recovered], [true, false]);
      await publish(channel, 3);
      assert.equal(decode((await client.heard.publication.next()).data), 3);
    });

    test('ends_when_the_next_token_does_not_have_it', async () => {
      const [first, second, third] = range(1, 3).map(() => freshChannel('plain'));
      const tokens = [
        [first, second],
        [second, third],
      ].map((channels) => tokenOf({ sub: '42', channels, exp: inSeconds(600) }));
      const client = await clientOf({}, { protocol, token: '', getToken: () => tokens.shift() });
      client.connect();
      await client.heard.subscribed.take(2);
      client.setToken('');
      await breakAway(client);
      client.network.down = false;
      assert.deepEqual(await client.heard.unsubscribed.next(), { channel: first });
      const subscribed = await client.heard.subscribed.take(2);
      assert.deepEqual(subscribed.map(({ channel }) => channel).sort(), [second, third].sort());
      assert.equal(client.state, 'connected');
    });
  });
}

describe('a token whose channels', () => {
  test('have_an_unknown_namespace_gets_102', async () => {
    for (const claims of [{ channels: ['plain:1', 'unknown:1'] }, { subs: { 'unknown:1': {} } }]) {
      const token = await tokenOf({ sub: '42', ...claims });
      await isRefused(server, token, 102, 'unknown channel');
    }
  });

  test('are_too_many_is_closed_with_3505', async () => {
    const channels = range(0, kLimit).map((i) => `plain:${i}`);
    const token = await tokenOf({ sub: '42', channels });
    assert.deepEqual(await refusal(server, { token }), { code: 3505, reason: 'channel limit' });
    const raw = await open({ channels: channels.slice(1) });
    assert.equal(Object.keys(raw.reply.subs).length, kLimit);
    const { error } = JSON.parse(await raw.ask({ id: 2, subscribe: { channel: 'open:1' } }));
    assert.equal(error.code, 106);
  });

  test('are_named_twice_are_subscribed_to_once', async () => {
    const raw = await open({ channels: ['plain:1', 'plain:1'] });
    assert.deepEqual(raw.reply.subs, { 'plain:1': {} });
    await publish('plain:1', 1);
    await publish('plain:1', 2);
    const heard = (await raw.messages.take(2)).map((text) => JSON.parse(text).push.pub.data);
    assert.deepEqual(heard, [1, 2]);
  });

  test('are_there_already_cannot_be_subscribed_to_by_the_client', async () => {
    const raw = await open({ channels: ['open:1'] });
    const { error } = JSON.parse(await raw.ask({ id: 2, subscribe: { channel: 'open:1' } }));
    assert.equal(error.code, 105);
  });
});
