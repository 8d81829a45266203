// 1,000 users with three connections each come, flap and go: presence is exact all the time.

import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';

import { closeSockets } from './breakable.mjs';
import { Random } from './checker_peers.mjs';
import { closeClients } from './clients.mjs';
import { Member } from './crowd.mjs';
import { startServer } from './harness.mjs';
import { membersOf } from './presence.mjs';
import { api, configOf, range } from './streams.mjs';
import { kSecret, tokenOf } from './tokens.mjs';
import { until } from './waiting.mjs';

const kUsers = 1000;
const kEach = 3;
const kAll = kUsers * kEach;
const kAtOnce = 100; // handshakes under way
const kPlain = 'plain:crowd'; // who goes is gone
const kCalm = 'calm:crowd'; // who goes may come back
const kPatience = 60_000; // ms

const kSeed = Number(process.env.CROWD_SEED ?? randomInt(2 ** 31));
const random = new Random(kSeed);

function shuffled(items) {
  const result = [...items];
  for (let i = result.length - 1; i > 0; --i) {
    const j = random.below(i + 1);
    [result[i], result[j]] = [result[j], result[i]];
  }
  return result;
}

let server;
let tokens;
let members; // that are connected
let watcher; // and what it has heard, by channel

// A new member for each of the users.
async function come(users) {
  const waiting = [...users];
  const there = [];
  const work = async () => {
    while (waiting.length > 0) {
      const user = waiting.pop();
      there.push(await Member.come(server, user, tokens.get(user), [kPlain, kCalm]));
    }
  };
  await Promise.all(range(1, kAtOnce).map(work));
  return there;
}

const becomes = (channel, clients, users) =>
  until(
    async () => {
      const [now, of] = await membersOf(server, channel);
      return now === clients && of === users;
    },
    `${clients} clients of ${users} users in ${channel}`,
    kPatience,
  );

const usersOf = (these) => new Set(these.map(({ user }) => user)).size;

// The members of a channel are exactly these, and no others.
async function areThere(channel, these) {
  assert.deepEqual(await membersOf(server, channel), [these.length, usersOf(these)]);
  const { presence } = await api(server, 'presence', { channel });
  assert.equal(Object.keys(presence).length, these.length);
  for (const { client, user } of these) assert.equal(presence[client]?.user, user, client);
}

// Whoever was heard to come and not to go is there, and nobody else.
async function areHeardOf(channel, these) {
  const expected = new Map();
  for (const { user } of these) expected.set(user, (expected.get(user) ?? 0) + 1);
  await until(
    () => isDeepStrictEqual(watcher.at(channel).users, expected),
    `joins and leaves in ${channel} are those of who is there`,
    kPatience,
  );
  // Where a connection may take the place of another, users are what can be told apart.
  if (channel === kCalm) return;
  assert.equal(watcher.at(channel).unpaired, 0);
  const clients = new Set(these.map(({ client }) => client));
  assert.deepEqual(watcher.at(channel).clients, clients);
}

before(async () => {
  const crowd = {
    presence: true,
    join_leave: true,
    allow_subscribe_for_client: true,
    allow_presence_for_subscriber: true,
  };
  server = await startServer({
    dev: false,
    config: configOf(
      { plain: crowd, calm: { ...crowd, presence_grace_period: '5m' } },
      { workers: 4, client: { token: { hmac_secret_key: kSecret } } },
    ),
  });
  const users = range(1, kUsers).map((i) => `user ${i}`);
  tokens = new Map();
  for (const user of [...users, 'watcher']) tokens.set(user, await tokenOf({ sub: user }));
  watcher = await Member.come(server, 'watcher', tokens.get('watcher'), [kPlain, kCalm], true);
  members = [];
});
after(async () => {
  closeClients();
  closeSockets();
  await server.stop();
});

// One after the other: each goes on where the one before it has left off.
describe(`a crowd (CROWD_SEED=${kSeed})`, () => {
  test('comes', async () => {
    const users = [...tokens.keys()].filter((user) => user !== 'watcher');
    members = await come(shuffled(users.flatMap((user) => Array(kEach).fill(user))));
    for (const channel of [kPlain, kCalm]) {
      await areThere(channel, [...members, watcher]);
      await areHeardOf(channel, [...members, watcher]);
    }
  });

  test('flaps_and_where_there_is_a_grace_period_nobody_hears_of_it', async () => {
    const before = watcher.at(kCalm).heard;
    const order = shuffled(members);
    const gone = order.slice(0, kAll / 2);
    members = order.slice(kAll / 2);
    for (const member of gone) member.reset();
    await becomes(kPlain, members.length + 1, usersOf(members) + 1);
    await areThere(kPlain, [...members, watcher]);
    await areHeardOf(kPlain, [...members, watcher]);
    assert.deepEqual(await membersOf(server, kCalm), [kAll + 1, kUsers + 1]);

    members.push(...(await come(shuffled(gone).map(({ user }) => user))));
    await areThere(kPlain, [...members, watcher]);
    await areHeardOf(kPlain, [...members, watcher]);
    await areThere(kCalm, [...members, watcher]);
    assert.equal(watcher.at(kCalm).heard, before);
  });

  test('comes_and_goes_at_the_same_time', async () => {
    const order = shuffled(members);
    const going = order.slice(0, kAll / 3);
    members = order.slice(kAll / 3);
    const back = come(shuffled(going).map(({ user }) => user));
    for (const member of going) member.leave();
    members.push(...(await back));
    for (const channel of [kPlain, kCalm]) {
      await becomes(channel, kAll + 1, kUsers + 1);
      await areThere(channel, [...members, watcher]);
    }
    await areHeardOf(kPlain, [...members, watcher]);
  });

  test('goes', async () => {
    const half = shuffled(members);
    const others = half.splice(0, kAll / 2);
    for (const member of half) member.leave();
    for (const channel of [kPlain, kCalm]) {
      await becomes(channel, others.length + 1, usersOf(others) + 1);
      await areThere(channel, [...others, watcher]);
      await areHeardOf(channel, [...others, watcher]);
    }
    for (const member of others) member.leave();
    for (const channel of [kPlain, kCalm]) {
      await becomes(channel, 1, 1);
      await areHeardOf(channel, [watcher]);
    }
    watcher.leave();
    await server.becomesIdle();
  });
});
