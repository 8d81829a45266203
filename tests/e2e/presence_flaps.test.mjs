// presence_grace_period: whose connection breaks and who comes back in time was never away.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';

import { closeSockets } from './breakable.mjs';
import { closeClients } from './clients.mjs';
import { startServer } from './harness.mjs';
import { membersOf, watch } from './presence.mjs';
import { api, breakAway, configOf, freshChannel, makeBreakable } from './streams.mjs';
import { connectAs, kSecret, tokenOf } from './tokens.mjs';
import { eventOf, until } from './waiting.mjs';

const kGrace = 1500; // ms

let server;
before(async () => {
  const room = {
    presence: true,
    join_leave: true,
    force_push_join_leave: true,
    presence_grace_period: `${kGrace}ms`,
    allow_subscribe_for_client: true,
    allow_subscribe_for_anonymous: true,
  };
  const client = {
    token: { hmac_secret_key: kSecret },
    allow_anonymous_connect_without_token: true,
    ping_interval: '1s',
    pong_timeout: '500ms',
  };
  server = await startServer({ dev: false, config: configOf({ room }, { client }) });
});
afterEach(async () => {
  closeClients();
  closeSockets();
  await server.becomesIdle();
});
after(() => server.stop());

// A channel and somebody who watches it; watcher.heard begins behind its own join.
async function watched() {
  const channel = freshChannel('room');
  const watcher = await watch(await connectAs(server, 'watcher'), channel);
  await watcher.heard.take(2);
  return [channel, watcher];
}

// Somebody whose connection can be broken, in the channel; the watcher has heard of it.
async function member(user, channel, watcher) {
  const token = user && (await tokenOf({ sub: user }));
  const client = makeBreakable(server, { token });
  client.connect();
  await watch(client, channel);
  assert.deepEqual(await watcher.heard.next(), ['join', user]);
  return client;
}

// Until the client is subscribed again.
async function comesBack(client, channel) {
  const subscribed = eventOf(client.getSubscription(channel), 'subscribed');
  client.network.down = false;
  await subscribed;
}

const clientsIn = async (channel) =>
  Object.values((await api(server, 'presence', { channel })).presence).map(({ client }) => client);

// What the watcher hears next is that somebody else came: nothing was heard before.
async function nothingWasHeard(channel, watcher) {
  const sentinel = await watch(await connectAs(server, 'sentinel'), channel);
  assert.deepEqual(await watcher.heard.next(), ['join', 'sentinel']);
  sentinel.unsubscribe();
  assert.deepEqual(await watcher.heard.next(), ['leave', 'sentinel']);
}

const sessions = async () => (await server.metrics()).value('millrace_sessions');

describe('a flap', () => {
  for (const how of ['reset', 'vanish']) {
    test(`by_${how}_is_not_heard_of`, async () => {
      const [channel, watcher] = await watched();
      const client = await member('42', channel, watcher);
      const left = (await clientsIn(channel)).sort();
      await breakAway(client, how);
      // A dead connection is found out first: only then may somebody take its place.
      if (how === 'vanish') {
        await until(async () => (await sessions()) === 1, 'the dead connection is closed');
      }
      assert.deepEqual((await clientsIn(channel)).sort(), left, 'it is still there');
      await comesBack(client, channel);
      assert.deepEqual(await membersOf(server, channel), [2, 2]);
      assert.notDeepEqual((await clientsIn(channel)).sort(), left, 'as another client');
      await nothingWasHeard(channel, watcher);
    });
  }

  test('again_and_again_is_not_heard_of', async () => {
    const [channel, watcher] = await watched();
    const client = await member('42', channel, watcher);
    for (let i = 0; i < 10; ++i) {
      await breakAway(client, 'reset');
      await until(async () => (await sessions()) === 1, 'the server knows');
      await comesBack(client, channel);
      assert.deepEqual(await membersOf(server, channel), [2, 2]);
    }
    await nothingWasHeard(channel, watcher);
  });

  test('of_one_of_two_connections_is_not_heard_of', async () => {
    const [channel, watcher] = await watched();
    const client = await member('42', channel, watcher);
    await member('42', channel, watcher);
    await breakAway(client, 'reset');
    await until(async () => (await sessions()) === 2, 'the server knows');
    assert.deepEqual(await membersOf(server, channel), [3, 2]);
    await comesBack(client, channel);
    assert.deepEqual(await membersOf(server, channel), [3, 2]);
    await nothingWasHeard(channel, watcher);
  });

  test('is_over_when_the_time_is_and_nobody_leaves_a_second_time', async () => {
    const [channel, watcher] = await watched();
    const client = await member('42', channel, watcher);
    await breakAway(client, 'reset');
    await until(async () => (await sessions()) === 1, 'the server knows');
    await comesBack(client, channel);
    const back = Date.now();
    client.disconnect();
    assert.deepEqual(await watcher.heard.next(), ['leave', '42']);
    assert.ok(Date.now() - back < kGrace, 'a clean close is heard of at once');
    await until(() => Date.now() > back + kGrace + 100, 'the first grace period is over');
    await nothingWasHeard(channel, watcher);
  });
});

describe('a leave', () => {
  test('is_heard_of_when_nobody_has_come_back', async () => {
    const [channel, watcher] = await watched();
    const client = await member('42', channel, watcher);
    const start = Date.now();
    await breakAway(client, 'reset');
    assert.deepEqual(await membersOf(server, channel), [2, 2]);
    assert.deepEqual(await watcher.heard.next(), ['leave', '42']);
    const took = Date.now() - start;
    assert.ok(took >= kGrace && took < kGrace + 1000, `${took} ms`);
    assert.deepEqual(await membersOf(server, channel), [1, 1]);
    await comesBack(client, channel);
    assert.deepEqual(await watcher.heard.next(), ['join', '42']);
  });

  test('is_heard_of_at_once_when_it_was_meant', async () => {
    const [channel, watcher] = await watched();
    const client = await member('42', channel, watcher);
    const other = await member('43', channel, watcher);
    const start = Date.now();
    client.getSubscription(channel).unsubscribe();
    assert.deepEqual(await watcher.heard.next(), ['leave', '42']);
    other.disconnect();
    assert.deepEqual(await watcher.heard.next(), ['leave', '43']);
    assert.ok(Date.now() - start < kGrace, `${Date.now() - start} ms`);
  });

  test('is_not_hidden_by_another_user', async () => {
    const [channel, watcher] = await watched();
    const client = await member('42', channel, watcher);
    await breakAway(client, 'reset');
    await until(async () => (await sessions()) === 1, 'the server knows');
    await member('43', channel, watcher);
    assert.deepEqual(await watcher.heard.next(), ['leave', '42']);
  });

  test('of_somebody_unknown_is_not_hidden_by_another_one', async () => {
    const [channel, watcher] = await watched();
    const client = await member('', channel, watcher);
    await breakAway(client, 'reset');
    await until(async () => (await sessions()) === 1, 'the server knows');
    await comesBack(client, channel);
    assert.deepEqual(await watcher.heard.take(2), [
      ['join', ''],
      ['leave', ''],
    ]);
    assert.deepEqual(await membersOf(server, channel), [2, 2]);
  });
});
