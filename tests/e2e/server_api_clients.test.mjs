// What a backend does to its users' connections, as clients see it; and all of the server API
// through the npm library cent.js.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';

import cent from 'cent.js';

import {
  Backend,
  fresh,
  kBackendConfig,
  kKey,
  kUnknownChannel,
  seconds,
  tokenOf,
} from './backend.mjs';
import { RawClient, closeClients, connect, makeClient, subscribe } from './clients.mjs';
import { startServer } from './harness.mjs';
import { Inbox, eventOf } from './waiting.mjs';

describe('a backend', () => {
  let server;
  let backend;

  const result = (...call) => backend.result(...call);
  const error = (...call) => backend.error(...call);
  const publishMany = (...call) => backend.publishMany(...call);
  const clientOf = (...call) => backend.clientOf(...call);

  before(async () => {
    server = await startServer({ dev: false, config: kBackendConfig });
    backend = new Backend(server);
  });
  afterEach(async () => {
    closeClients();
    await server.becomesIdle();
  });
  after(() => server.stop());

  describe('gives orders', () => {
    test('subscribe_makes_server_side_subscriptions_of_all_of_a_users_clients', async () => {
      const channel = fresh();
      const [one, two, other] = [await clientOf('42'), await clientOf('42'), await clientOf('7')];
      const events = [one, two].map((client) => eventOf(client, 'subscribed'));
      const others = [];
      other.on('subscribed', (context) => others.push(context));
      const ask = { user: '42', channel, data: { hello: 1 } };
      assert.deepEqual(await result('subscribe', ask), {});
      for (const event of events) {
        const context = await event;
        assert.equal(context.channel, channel);
        assert.deepEqual(context.data, { hello: 1 });
      }
      const publications = [one, two].map((client) => eventOf(client, 'publication'));
      await result('publish', { channel, data: 'for 42' });
      for (const publication of publications) assert.equal((await publication).data, 'for 42');
      assert.deepEqual(others, []);
      const { channels: listed } = await result('channels', { pattern: channel });
      assert.deepEqual(listed, { [channel]: { num_clients: 2 } });
    });

    test('subscribe_can_recover_what_was_missed', async () => {
      const channel = fresh('log');
      const client = await clientOf('42');
      await publishMany(channel, 3);
      const { epoch } = await result('history', { channel });
      const publications = new Inbox('a publication');
      client.on('publication', (context) => publications.push(context));
      const subscribed = eventOf(client, 'subscribed');
      await result('subscribe', { user: '42', channel, recover_since: { offset: 1, epoch } });
      const context = await subscribed;
      assert.equal(context.positioned, true);
      assert.equal(context.recoverable, true);
      await result('publish', { channel, data: { i: 4 } });
      const arrived = await publications.take(3);
      assert.deepEqual(
        arrived.map(({ offset }) => offset),
        [2, 3, 4],
      );
    });

    test('subscribe_gives_info_and_overrides_options', async () => {
      const channel = fresh('room');
      const client = await clientOf('42');
      const subscribed = eventOf(client, 'subscribed');
      await result('subscribe', { user: '42', client: client.id, channel, info: { seat: 5 } });
      await subscribed;
      const { presence } = await result('presence', { channel });
      assert.deepEqual(presence[client.id], {
        user: '42',
        client: client.id,
        chan_info: { seat: 5 },
      });
      const hidden = fresh('room');
      const again = eventOf(client, 'subscribed');
      const override = { presence: { value: false } };
      await result('subscribe', { user: '42', channel: hidden, override });
      assert.equal((await again).channel, hidden);
      assert.deepEqual(await result('presence', { channel: hidden }), { presence: {} });
    });

    test('subscribe_and_unsubscribe_refuse_channels_that_cannot_be', async () => {
      for (const method of ['subscribe', 'unsubscribe']) {
        const refused = await error(method, { user: '42', channel: 'unknown:1' });
        assert.deepEqual(refused, kUnknownChannel);
      }
      assert.equal((await error('subscribe', { user: '42' })).code, 107);
      assert.equal((await error('subscribe', { user: 42, channel: 'c' })).code, 107);
    });

    test('a_server_side_subscription_that_has_expired_ends_the_connection', async () => {
      const raw = await RawClient.open(server);
      await raw.ask({ id: 1, connect: { token: tokenOf({ sub: '42', exp: seconds() + 600 }) } });
      // Longer ago than the client has for a new token.
      await result('subscribe', { user: '42', channel: fresh(), expire_at: seconds() - 100 });
      assert.deepEqual(await raw.closed(), { code: 3006, reason: 'subscription expired' });
    });

    test('unsubscribe_ends_one_subscription_or_all_of_them', async () => {
      const names = [fresh(), fresh(), fresh()];
      const client = await clientOf('42');
      const other = await clientOf('7');
      const subscriptions = [];
      for (const channel of names) subscriptions.push(await subscribe(client, channel));
      const stays = await subscribe(other, names[0]);
      const ends = subscriptions.map((subscription) => eventOf(subscription, 'unsubscribed'));
      assert.deepEqual(await result('unsubscribe', { user: '42', channel: names[0] }), {});
      const { code, reason } = await ends[0];
      assert.deepEqual({ code, reason }, { code: 2000, reason: 'server unsubscribe' });
      assert.equal(subscriptions[1].state, 'subscribed');
      await result('unsubscribe', { user: '42', channel: '' });
      await Promise.all(ends);
      assert.equal(stays.state, 'subscribed');
    });

    test('disconnect_takes_a_user_a_client_or_all_but_some', async () => {
      const closed = (client) => eventOf(client, 'disconnected');
      const [one, two, three] = [await clientOf('42'), await clientOf('42'), await clientOf('42')];
      const other = await clientOf('7');
      const anonymous = await connect(server);
      let end = closed(one);
      assert.deepEqual(await result('disconnect', { user: '42', client: one.id }), {});
      let { code, reason } = await end;
      assert.deepEqual({ code, reason }, { code: 3503, reason: 'force disconnect' });
      assert.equal(two.state, 'connected');

      // The client belongs to another user.
      await result('disconnect', { user: '7', client: two.id });
      end = closed(three);
      const disconnect = { code: 4600, reason: 'over' };
      await result('disconnect', { user: '42', disconnect, whitelist: [two.id] });
      ({ code, reason } = await end);
      assert.deepEqual({ code, reason }, disconnect);
      assert.equal(two.state, 'connected');

      end = closed(anonymous);
      await result('disconnect', { user: '' });
      await end;
      assert.equal(two.state, 'connected');
      assert.equal(other.state, 'connected');
      assert.equal((await error('disconnect', { user: '7', disconnect: { code: 99 } })).code, 107);
    });

    test('a_disconnect_code_below_3500_makes_the_client_come_back', async () => {
      const client = await clientOf('42');
      const back = eventOf(client, 'connected');
      await result('disconnect', { user: '42', disconnect: { code: 3011, reason: 'move' } });
      await back;
    });

    test('refresh_prolongs_or_ends_a_connection', async () => {
      const raw = await RawClient.open(server);
      const token = tokenOf({ sub: '42', exp: seconds() + 600 });
      const { connect: reply } = JSON.parse(await raw.ask({ id: 1, connect: { token } }));
      assert.equal(reply.expires, true);
      await result('refresh', { user: '42', expire_at: seconds() + 3600 });
      const { refresh } = JSON.parse(await raw.messages.next()).push;
      assert.equal(refresh.expires, true);
      assert.ok(refresh.ttl > 3590 && refresh.ttl <= 3600, `ttl ${refresh.ttl}`);
      await result('refresh', { user: '42', expired: true });
      assert.deepEqual(await raw.closed(), { code: 3005, reason: 'connection expired' });
    });
  });

  describe('shuts out', () => {
    test('a_blocked_user_is_cut_and_stays_out_until_unblocked', async () => {
      const user = 'blocked';
      const client = await clientOf(user);
      const other = await clientOf('7');
      const cut = eventOf(client, 'disconnected');
      assert.deepEqual(await result('block_user', { user }), {});
      assert.equal((await cut).code, 3503);
      assert.equal(other.state, 'connected');
      const again = makeClient(server, { token: tokenOf({ sub: user, exp: seconds() + 600 }) });
      const refused = eventOf(again, 'disconnected');
      again.connect();
      assert.ok((await refused).code >= 3500);
      assert.deepEqual(await result('unblock_user', { user }), {});
      await clientOf(user);
    });

    test('a_block_ends_at_its_time', async () => {
      const user = 'blocked for a while';
      await result('block_user', { user, expire_at: seconds() - 1 });
      await clientOf(user);
    });

    test('a_revoked_token_is_good_no_more', async () => {
      const claims = { sub: '42', exp: seconds() + 600, jti: 'token-1' };
      const client = await connect(server, { token: tokenOf(claims) });
      const kept = await connect(server, { token: tokenOf({ ...claims, jti: 'token-2' }) });
      const cut = eventOf(client, 'disconnected');
      assert.deepEqual(await result('revoke_token', { uid: 'token-1' }), {});
      assert.deepEqual((await cut).code, 3500);
      assert.equal(kept.state, 'connected');
      const again = makeClient(server, { token: tokenOf(claims) });
      const refused = eventOf(again, 'disconnected');
      again.connect();
      assert.equal((await refused).code, 3500);
    });

    test('a_users_tokens_can_be_invalidated_up_to_a_time', async () => {
      const user = 'invalidated';
      const token = (iat) => tokenOf({ sub: user, exp: seconds() + 600, iat });
      const old = await connect(server, { token: token(seconds() - 100) });
      const young = await connect(server, { token: token(seconds() - 10) });
      let cut = eventOf(old, 'disconnected');
      await result('invalidate_user_tokens', { user, issued_before: seconds() - 50 });
      assert.equal((await cut).code, 3500);
      assert.equal(young.state, 'connected');
      cut = eventOf(young, 'disconnected');
      assert.deepEqual(await result('invalidate_user_tokens', { user }), {});
      assert.equal((await cut).code, 3500);
      const again = makeClient(server, { token: token(seconds() - 10) });
      const refused = eventOf(again, 'disconnected');
      again.connect();
      assert.equal((await refused).code, 3500);
      await connect(server, { token: token(seconds() + 2) });
    });

    test('somebody_must_be_named', async () => {
      for (const method of ['block_user', 'unblock_user', 'invalidate_user_tokens']) {
        assert.equal((await error(method)).code, 107);
      }
      assert.equal((await error('revoke_token')).code, 107);
    });
  });

  describe('speaks through cent.js', () => {
    let client;
    before(() => (client = new cent.CentClient({ url: `${server.url}/api`, apiKey: kKey })));

    test('every_method_of_it_works', async () => {
      const channel = fresh('log');
      const room = fresh('room');
      const user = await clientOf('42');
      await subscribe(user, room);
      const { offset, epoch } = await client.publish({ channel, data: { a: 1 }, tags: { t: 'x' } });
      assert.equal(offset, 1);
      const names = [channel, fresh()];
      const { responses } = await client.broadcast({ channels: names, data: { a: 2 } });
      assert.deepEqual(responses, [{ result: { offset: 2, epoch } }, { result: {} }]);
      const { presence } = await client.getPresence({ channel: room });
      assert.deepEqual(Object.keys(presence), [user.id]);
      assert.deepEqual(await client.getPresenceStats({ channel: room }), {
        num_clients: 1,
        num_users: 1,
      });
      const { publications } = await client.getHistory({ channel, limit: 10 });
      assert.deepEqual(publications, [
        { data: { a: 1 }, offset: 1, tags: { t: 'x' } },
        { data: { a: 2 }, offset: 2 },
      ]);
      assert.deepEqual(await client.removeHistory({ channel }), {});
      assert.deepEqual(Object.keys((await client.getChannels({ pattern: room })).channels), [room]);
      assert.equal((await client.getInfo()).nodes[0].num_clients, 1);

      const subscribed = eventOf(user, 'subscribed');
      await client.subscribe({ user: '42', channel });
      assert.equal((await subscribed).channel, channel);
      const unsubscribed = eventOf(user, 'unsubscribed');
      await client.unsubscribe({ user: '42', channel });
      assert.equal((await unsubscribed).channel, channel);
      assert.deepEqual(await client.refresh({ user: '42', expire_at: seconds() + 900 }), {});
      const disconnected = eventOf(user, 'disconnected');
      await client.disconnect({ user: '42' });
      assert.equal((await disconnected).code, 3503);
    });

    test('an_error_is_thrown', async () => {
      await assert.rejects(client.publish({ channel: 'unknown:1', data: {} }), cent.CentException);
    });

    test('a_pipeline_has_its_results_in_order', async () => {
      const channel = fresh('log');
      const results = await client.pipeline([
        { method: 'publish', params: { channel, data: { i: 1 } } },
        { method: 'publish', params: { channel, data: { i: 2 } } },
        { method: 'history', params: { channel, limit: 1 } },
      ]);
      assert.deepEqual(
        results.map(({ offset }) => offset),
        [1, 2, 2],
      );
    });
  });
});
