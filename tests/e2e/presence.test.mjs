// Presence: who is there, who comes and goes, who may ask, and how it ends.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';

import { closeSockets } from './breakable.mjs';
import { RawClient, closeClients, connect, decode } from './clients.mjs';
import { startServer } from './harness.mjs';
import { membersOf, watch } from './presence.mjs';
import { api, configOf, freshChannel, makeBreakable, range } from './streams.mjs';
import { connectAs, kSecret, tokenOf } from './tokens.mjs';
import { eventOf, until } from './waiting.mjs';

const kMembersMax = 20;
const kOpen = {
  presence: true,
  allow_subscribe_for_client: true,
  allow_subscribe_for_anonymous: true,
};
const kForAll = { allow_presence_for_client: true, allow_presence_for_anonymous: true };

let server;
before(async () => {
  server = await startServer({
    dev: false,
    config: configOf(
      {
        room: { ...kOpen, ...kForAll, join_leave: true, force_push_join_leave: true },
        asked: { ...kOpen, ...kForAll, join_leave: true },
        silent: { ...kOpen, ...kForAll, force_push_join_leave: true },
        users: { ...kOpen, allow_presence_for_client: true },
        subscribers: {
          ...kOpen,
          allow_presence_for_subscriber: true,
          allow_presence_for_anonymous: true,
        },
        members: { ...kOpen, allow_presence_for_subscriber: true },
        closed: kOpen,
        off: { ...kOpen, ...kForAll, presence: false },
        hidden: { ...kOpen, join_leave: true },
      },
      {
        client: {
          token: { hmac_secret_key: kSecret },
          allow_anonymous_connect_without_token: true,
          presence_max_members: kMembersMax,
          ping_interval: '1s',
          pong_timeout: '500ms',
        },
      },
    ),
  });
});
afterEach(async () => {
  closeClients();
  closeSockets();
  await server.becomesIdle();
});
after(() => server.stop());

const statsOf = (channel) => membersOf(server, channel);

for (const protocol of ['json', 'protobuf']) {
  describe(`presence over ${protocol}`, () => {
    test('lists_the_subscribers_and_what_their_tokens_say', async () => {
      const channel = freshChannel('room');
      const ada = await connectAs(server, { sub: 'ada', info: { name: 'Ada' } }, { protocol });
      const both = [await watch(ada, channel)];
      const again = await connectAs(server, 'ada', { protocol });
      both.push(await watch(again, channel));
      const nobody = await connect(server, { protocol });
      both.push(await watch(nobody, channel));
      const { clients } = await both[1].presence();
      const listed = Object.entries(clients).map(([id, { user, client, connInfo }]) => {
        assert.equal(id, client);
        // Over Protobuf, nothing is no bytes.
        return [id, user, connInfo && connInfo.length !== 0 ? decode(connInfo) : undefined];
      });
      const byId = ([one], [other]) => (one < other ? -1 : 1);
      const expected = [
        [ada.id, 'ada', { name: 'Ada' }],
        [again.id, 'ada', undefined],
        [nobody.id, '', undefined],
      ];
      assert.deepEqual(listed.sort(byId), expected.sort(byId));
      assert.deepEqual(await both[1].presenceStats(), { numClients: 3, numUsers: 2 });
    });

    test('tells_in_order_who_comes_and_goes', async () => {
      const channel = freshChannel('room');
      const watching = await watch(await connectAs(server, 'watcher', { protocol }), channel);
      const ada = await connectAs(server, 'ada', { protocol });
      const own = await watch(ada, channel);
      const bob = await connectAs(server, 'bob', { protocol });
      await watch(bob, channel);
      assert.deepEqual(await own.heard.take(3), [
        ['subscribed', ''],
        ['join', 'ada'],
        ['join', 'bob'],
      ]);
      own.unsubscribe();
      await eventOf(watching, 'leave');
      bob.disconnect();
      assert.deepEqual(await watching.heard.take(6), [
        ['subscribed', ''],
        ['join', 'watcher'],
        ['join', 'ada'],
        ['join', 'bob'],
        ['leave', 'ada'],
        ['leave', 'bob'],
      ]);
      assert.equal(own.heard.items.length, 0, 'no leave of its own');
    });

    test('tells_it_to_those_only_who_ask_unless_it_is_forced', async () => {
      const channel = freshChannel('asked');
      const asks = await watch(await connectAs(server, 'a', { protocol }), channel, {
        joinLeave: true,
      });
      const silent = await watch(await connectAs(server, 'b', { protocol }), channel);
      assert.deepEqual(await asks.heard.take(3), [
        ['subscribed', ''],
        ['join', 'a'],
        ['join', 'b'],
      ]);
      await silent.presence();
      assert.equal(silent.heard.items.length, 1);
    });
  });
}

describe('joins and leaves', () => {
  const hearsNothing = async (client, channel, options) => {
    const watching = await watch(client, channel, options);
    const other = await watch(await connectAs(server, 'other'), channel, options);
    other.unsubscribe();
    await until(async () => (await statsOf(channel))[0] === 1, 'the other one has left');
    await client.ready();
    assert.deepEqual(await watching.heard.take(1), [['subscribed', '']]);
    assert.equal(watching.heard.items.length, 0);
  };

  test('are_not_there_without_join_leave', async () => {
    const client = await connectAs(server, '42');
    await hearsNothing(client, freshChannel('silent'), { joinLeave: true });
  });

  test('are_not_for_clients_that_may_not_see_presence', async () => {
    const client = await connectAs(server, '42');
    await hearsNothing(client, freshChannel('hidden'), { joinLeave: true });
  });

  test('come_after_the_replies_that_they_are_about', async () => {
    const raw = await RawClient.open(server);
    const token = await tokenOf({ sub: '42' });
    await raw.ask({ id: 1, connect: { token } });
    for (let i = 0; i < 20; ++i) {
      const channel = freshChannel('room');
      raw.send(JSON.stringify({ id: 2, subscribe: { channel } }));
      const [reply, join] = (await raw.messages.take(2)).map(JSON.parse);
      assert.deepEqual(reply, { id: 2, subscribe: {} });
      assert.equal(join.push.join.info.user, '42');
      const { presence } = await api(server, 'presence', { channel });
      assert.deepEqual(Object.values(presence), [join.push.join.info]);
      const unsubscribed = JSON.parse(await raw.ask({ id: 3, unsubscribe: { channel } }));
      assert.deepEqual(unsubscribed, { id: 3, unsubscribe: {} });
      assert.deepEqual(await statsOf(channel), [0, 0]);
    }
  });
});

describe('presence calls', () => {
  const kinds = {
    user: () => connectAs(server, '42'),
    anonymous: () => connect(server),
  };
  const allowed = {
    room: ['user', 'anonymous'],
    users: ['user'],
    subscribers: ['subscribed user', 'subscribed anonymous'],
    members: ['subscribed user'],
    closed: [],
  };
  const codeOf = (promise) =>
    promise.then(
      () => 0,
      ({ code }) => code,
    );

  for (const [namespace, may] of Object.entries(allowed)) {
    test(`of_${namespace}_are_for_whom_its_options_say`, async () => {
      const channel = freshChannel(namespace);
      for (const [kind, make] of Object.entries(kinds)) {
        const client = await make();
        const expect = async (who) => {
          const code = may.includes(who) || may.includes(kind) ? 0 : 103;
          assert.equal(await codeOf(client.presence(channel)), code, who);
          assert.equal(await codeOf(client.presenceStats(channel)), code, who);
        };
        await expect(kind);
        await watch(client, channel);
        await expect(`subscribed ${kind}`);
      }
    });
  }

  test('are_not_available_without_presence', async () => {
    const client = await connectAs(server, '42');
    const channel = freshChannel('off');
    await watch(client, channel);
    assert.equal(await codeOf(client.presence(channel)), 108);
    assert.equal(await codeOf(client.presenceStats(channel)), 108);
    assert.equal(await codeOf(client.presence('unknown:1')), 102);
  });

  test('of_a_channel_where_nobody_is_are_answered', async () => {
    const client = await connectAs(server, '42');
    const channel = freshChannel('room');
    assert.deepEqual(await client.presence(channel), { clients: {} });
    assert.deepEqual(await client.presenceStats(channel), { numClients: 0, numUsers: 0 });
  });

  test('for_more_members_than_are_listed_get_106_but_their_number', async () => {
    const channel = freshChannel('users');
    const clients = [];
    for (const i of range(1, kMembersMax)) clients.push(await connectAs(server, `u${i % 7}`));
    const subscriptions = await Promise.all(clients.map((client) => watch(client, channel)));
    const [one] = subscriptions;
    assert.equal(Object.keys((await one.presence()).clients).length, kMembersMax);
    await watch(await connectAs(server, 'one more'), channel);
    assert.equal(await codeOf(one.presence()), 106);
    assert.deepEqual(await one.presenceStats(), { numClients: kMembersMax + 1, numUsers: 8 });
    subscriptions[1].unsubscribe();
    await until(async () => (await codeOf(one.presence())) === 0, 'they can be listed again');
  });
});

describe('a member', () => {
  const kSoon = 1000; // ms
  const kPings = 3500; // ms, of a connection that is dead: until the ping, and until no pong came

  for (const [how, within] of [
    ['leave', kSoon],
    ['reset', kSoon],
    ['vanish', kPings],
  ]) {
    test(`is_gone_in_time_when_its_connection_ends_by_${how}`, async () => {
      const channel = freshChannel('room');
      const watching = await watch(await connectAs(server, 'watcher'), channel);
      const client = makeBreakable(server, { token: await tokenOf({ sub: 'member' }) });
      const left = eventOf(watching, 'leave', { within: within + 5000 });
      client.connect();
      await watch(client, channel);
      client.network.down = true;
      const start = Date.now();
      client.socket()[how]();
      assert.equal((await left).info.user, 'member');
      assert.ok(Date.now() - start < within, `${Date.now() - start} ms`);
      assert.deepEqual(await statsOf(channel), [1, 1]);
    });
  }
});
