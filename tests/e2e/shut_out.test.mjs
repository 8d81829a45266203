// Who is shut out: cut on every core within a second, refused from then on, whatever the client was
// about.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';

import { RawClient, closeClients, makeClient } from './clients.mjs';
import { startServer } from './harness.mjs';
import { api, configOf, freshChannel, listen, range } from './streams.mjs';
import { connectAs, inSeconds, isRefused, kSecret, tokenOf } from './tokens.mjs';
import { eventOf, until } from './waiting.mjs';

const kCuts = 1000; // ms
const kInvalid = [3500, 'invalid token'];
const kBlocked = [3503, 'force disconnect'];
const kDenied = [3507, 'permission denied'];

let server;
before(async () => {
  server = await startServer({
    dev: false,
    config: configOf(
      { closed: {} },
      { workers: 4, client: { token: { hmac_secret_key: kSecret } } },
    ),
  });
});
afterEach(async () => {
  closeClients();
  await server.becomesIdle();
});
after(() => server.stop());

// A user that no other test has.
let users = 0;
const freshUser = () => `user ${(users += 1)}`;

// All of the clients are cut so, within a second of the call that does it.
async function cuts(clients, [code, reason], call) {
  const ends = clients.map((client) => eventOf(client, 'disconnected', { within: kCuts }));
  const ended = Promise.all(ends);
  await Promise.all([call(), ended]);
  for (const end of await ended) assert.deepEqual(end, { code, reason });
}

const connectMany = (claims) =>
  Promise.all(
    range(1, 20).map((i) =>
      connectAs(server, claims, { protocol: i % 2 === 0 ? 'json' : 'protobuf' }),
    ),
  );

describe('a blocked user', () => {
  test('is_cut_everywhere_and_refused_until_it_is_let_in_again', async () => {
    const user = freshUser();
    const clients = await connectMany(user);
    const other = await connectAs(server, freshUser());
    await cuts(clients, kBlocked, () => api(server, 'block_user', { user }));
    const token = await tokenOf({ sub: user });
    for (const _ of range(1, 8)) await isRefused(server, token, ...kDenied);
    assert.equal(other.state, 'connected');
    await api(server, 'unblock_user', { user });
    await connectAs(server, user);
  });

  test('is_let_in_when_the_time_is_over', async () => {
    const user = freshUser();
    const expire_at = inSeconds(2);
    await api(server, 'block_user', { user, expire_at });
    const token = await tokenOf({ sub: user });
    await isRefused(server, token, ...kDenied);
    await until(() => inSeconds(0) >= expire_at, 'the time is over');
    await connectAs(server, user);
  });

  test('cannot_stay_by_a_refresh', async () => {
    const user = freshUser();
    const raw = await RawClient.open(server);
    const token = await tokenOf({ sub: user });
    await raw.ask({ id: 1, connect: { token } });
    const blocked = api(server, 'block_user', { user });
    raw.send(JSON.stringify({ id: 2, refresh: { token } }));
    const { code } = await raw.closed(kCuts);
    assert.ok(code === 3503 || code === 3507, `${code}`);
    await blocked;
  });

  test('that_connects_all_the_time_is_out_in_the_end', async () => {
    const user = freshUser();
    const token = await tokenOf({ sub: user });
    const clients = range(1, 30).map(() => makeClient(server, { token }));
    const ends = clients.map((client) => eventOf(client, 'disconnected'));
    for (const client of clients.slice(0, 15)) client.connect();
    const blocked = api(server, 'block_user', { user });
    for (const client of clients.slice(15)) client.connect();
    await blocked;
    for (const { code } of await Promise.all(ends))
      assert.ok([3503, 3507].includes(code), `${code}`);
  });
});

describe('a revoked token', () => {
  test('is_cut_everywhere_and_no_good_any_more', async () => {
    const user = freshUser();
    const revoked = { sub: user, jti: 'stolen' };
    const clients = await connectMany(revoked);
    const others = [
      await connectAs(server, user),
      await connectAs(server, { sub: user, jti: 'b' }),
    ];
    await cuts(clients, kInvalid, () => api(server, 'revoke_token', { uid: 'stolen' }));
    for (const _ of range(1, 8)) await isRefused(server, await tokenOf(revoked), ...kInvalid);
    for (const other of others) assert.equal(other.state, 'connected');
  });

  test('does_not_refresh_a_connection', async () => {
    const user = freshUser();
    await api(server, 'revoke_token', { uid: 'leaked' });
    const raw = await RawClient.open(server);
    await raw.ask({ id: 1, connect: { token: await tokenOf({ sub: user }) } });
    const token = await tokenOf({ sub: user, jti: 'leaked' });
    raw.send(JSON.stringify({ id: 2, refresh: { token } }));
    assert.deepEqual(await raw.closed(), { code: 3500, reason: 'invalid token' });
  });

  test('that_a_connection_got_by_a_refresh_cuts_it', async () => {
    const user = freshUser();
    const raw = await RawClient.open(server);
    await raw.ask({ id: 1, connect: { token: await tokenOf({ sub: user, jti: 'first' }) } });
    const second = await tokenOf({ sub: user, jti: 'second' });
    assert.ok(JSON.parse(await raw.ask({ id: 2, refresh: { token: second } })).refresh);
    await api(server, 'revoke_token', { uid: 'first' });
    await api(server, 'revoke_token', { uid: 'second' });
    assert.deepEqual(await raw.closed(kCuts), { code: 3500, reason: 'invalid token' });
  });

  test('does_not_open_a_channel', async () => {
    const user = freshUser();
    const channel = freshChannel('closed');
    await api(server, 'revoke_token', { uid: 'for a channel' });
    const client = await connectAs(server, user);
    const disconnected = eventOf(client, 'disconnected');
    listen(client, channel, {
      token: await tokenOf({ sub: user, channel, jti: 'for a channel' }),
    });
    assert.deepEqual(await disconnected, { code: 3500, reason: 'invalid token' });
  });
});

describe('a user whose tokens are invalidated', () => {
  test('is_cut_everywhere_and_needs_a_newer_one', async () => {
    const user = freshUser();
    const old = { sub: user, iat: inSeconds(-10) };
    const clients = [...(await connectMany(old)), ...(await connectMany(user))];
    const other = await connectAs(server, { sub: freshUser(), iat: inSeconds(-10) });
    const now = inSeconds(0);
    await cuts(clients, kInvalid, () => api(server, 'invalidate_user_tokens', { user }));
    await isRefused(server, await tokenOf(old), ...kInvalid);
    await isRefused(server, await tokenOf({ sub: user, iat: now }), ...kInvalid);
    await isRefused(server, await tokenOf({ sub: user }), ...kInvalid);
    await connectAs(server, { sub: user, iat: inSeconds(2) });
    assert.equal(other.state, 'connected');
  });

  test('keeps_those_that_were_issued_later_than_is_said', async () => {
    const user = freshUser();
    const old = await connectAs(server, { sub: user, iat: inSeconds(-100) });
    const young = await connectAs(server, { sub: user, iat: inSeconds(-10) });
    const issued_before = inSeconds(-50);
    await cuts([old], kInvalid, () =>
      api(server, 'invalidate_user_tokens', { user, issued_before }),
    );
    assert.equal(young.state, 'connected');
    await connectAs(server, { sub: user, iat: inSeconds(-10) });
    await isRefused(server, await tokenOf({ sub: user, iat: inSeconds(-51) }), ...kInvalid);
  });
});
