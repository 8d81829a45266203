// The official client over what the server has instead of WebSockets. Several cores: most of what a
// client sends comes in on another core than the one that has its session.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';

import { closeClients, encode, makeClient, subscribe } from './clients.mjs';
import { connectionsOver, kFallbacks, kKeptAliveMs, over, sessionsEnd } from './fallbacks.mjs';
import { startServer } from './harness.mjs';
import { api, freshChannel, kApiKey, range } from './streams.mjs';
import { connectAs, inSeconds, kSecret, refusal, tokenOf } from './tokens.mjs';
import { Inbox, eventOf, until } from './waiting.mjs';

const kLimit = 65_536; // bytes of one emulation request
const kPoll = { hold: '1s' }; // so that tests see polls that bring nothing
const kTalk = {
  allow_subscribe_for_client: true,
  allow_publish_for_client: true,
  allow_presence_for_client: true,
  allow_history_for_client: true,
  presence: true,
  history_size: 100,
  history_ttl: '300s',
};

let server;
before(async () => {
  server = await startServer({
    dev: false,
    config: {
      workers: 4,
      http_api: { key: kApiKey },
      client: {
        token: { hmac_secret_key: kSecret },
        ping_interval: '1s',
        pong_timeout: '900ms',
        expired_close_delay: '1s',
        allow_anonymous_connect_without_token: true,
      },
      long_poll: kPoll,
      channel: { namespaces: [{ name: 'talk', ...kTalk }, { name: 'closed' }] },
    },
  });
});
afterEach(async () => {
  closeClients();
  await sessionsEnd(server);
});
after(() => server.stop());

for (const [transport, protocol] of kFallbacks) {
  describe(`${transport} in ${protocol}`, () => {
    const options = (more) => ({ protocol, ...over(server, [transport]), ...more });
    const enter = (user, more) => connectAs(server, user, options(more));

    test('a_client_is_counted_under_its_transport', async () => {
      await enter('42');
      assert.equal(await connectionsOver(server, transport), 1);
      closeClients();
      await until(async () => (await connectionsOver(server, transport)) === 0, 'it is gone');
    });

    test('publications_of_several_clients_arrive_once_and_in_order', async () => {
      const channel = freshChannel('talk');
      const [from, to] = [await enter('1'), await enter('2')];
      const hears = await subscribe(to, channel);
      const fence = await subscribe(from, channel);
      const count = 300;
      // In one request: the client lets requests overtake each other.
      from.startBatching();
      const published = range(1, count).map((i) => from.publish(channel, encode(from, i)));
      from.stopBatching();
      await Promise.all(published);
      for (const { publications } of [hears, fence]) {
        const got = await publications.take(count);
        assert.deepEqual(
          got.map(({ data }) => data),
          range(1, count),
        );
        assert.equal(got[0].info.user, '1');
      }
    });

    test('commands_in_requests_of_their_own_at_once_are_each_carried_out_once', async () => {
      const channel = freshChannel('talk');
      const client = await enter('1');
      const hears = await subscribe(client, channel);
      await Promise.all(range(1, 200).map((i) => client.publish(channel, encode(client, i))));
      const got = await hears.publications.take(200);
      assert.deepEqual(
        got.map(({ data }) => data).sort((a, b) => a - b),
        range(1, 200),
      );
    });

    test('commands_one_after_another_are_each_answered', async () => {
      const channel = freshChannel('talk');
      const client = await enter('1');
      const hears = await subscribe(client, channel);
      for (const i of range(1, 20)) {
        await client.publish(channel, encode(client, `größer als ${i}`));
        assert.equal((await hears.publications.next()).data, `größer als ${i}`);
      }
    });

    test('a_large_publication_arrives_whole', async () => {
      const channel = freshChannel('talk');
      const client = await enter('1');
      const hears = await subscribe(client, channel);
      const large = 'x'.repeat(kLimit - 1000);
      await client.publish(channel, encode(client, large));
      assert.equal((await hears.publications.next()).data, large);
    });

    test('many_kilobytes_at_once_arrive_whole', async () => {
      const channel = freshChannel('talk');
      const hears = await subscribe(await enter('1'), channel);
      const large = (i) => `${i}${'y'.repeat(50_000)}`;
      for (const i of range(1, 20)) await api(server, 'publish', { channel, data: large(i) });
      const got = await hears.publications.take(20);
      assert.deepEqual(
        got.map(({ data }) => data),
        range(1, 20).map(large),
      );
    });

    test('presence_history_and_errors_are_answered', async () => {
      const channel = freshChannel('talk');
      const [one, two] = [await enter('1'), await enter('2')];
      await subscribe(one, channel);
      await subscribe(two, channel);
      const { clients } = await one.presence(channel);
      assert.deepEqual(Object.keys(clients).sort(), [one.id, two.id].sort());
      assert.deepEqual(await one.presenceStats(channel), { numClients: 2, numUsers: 2 });
      await one.publish(channel, encode(one, 'kept'));
      const { publications } = await two.history(channel, { limit: 10 });
      assert.equal(publications.length, 1);
      await assert.rejects(one.rpc('method', encode(one, {})), { code: 108 });
      await assert.rejects(one.publish('closed:1', encode(one, 1)), { code: 103 });
      await assert.rejects(one.publish('nosuch:1', encode(one, 1)), { code: 102 });
      assert.equal(one.state, 'connected');
    });

    test('unsubscribing_ends_what_is_heard', async () => {
      const channel = freshChannel('talk');
      const client = await enter('1');
      const hears = await subscribe(client, channel);
      hears.unsubscribe();
      // Answered after the unsubscribe: commands of one client are handled in their order.
      await client.presenceStats(channel);
      assert.deepEqual(await api(server, 'presence_stats', { channel }), {
        num_clients: 0,
        num_users: 0,
      });
      await api(server, 'publish', { channel, data: 'missed' });
      hears.subscribe();
      await eventOf(hears, 'subscribed');
      await client.publish(channel, encode(client, 'heard'));
      assert.equal((await hears.publications.next()).data, 'heard');
    });

    test('presence_ends_when_the_client_disconnects', async () => {
      const channel = freshChannel('talk');
      const client = await enter('1');
      await subscribe(client, channel);
      client.disconnect();
      await until(
        async () => (await api(server, 'presence_stats', { channel })).num_clients === 0,
        'nobody is present',
      );
    });

    test('a_client_that_was_refused_says_why_and_stays_away', async () => {
      assert.deepEqual(await refusal(server, options({ token: 'no token' })), {
        code: 3500,
        reason: 'invalid token',
      });
    });

    test('a_refresh_in_band_keeps_the_connection', async () => {
      let tokens = 0;
      const getToken = () => tokenOf({ sub: '42', exp: inSeconds(2), jti: `${(tokens += 1)}` });
      const client = makeClient(server, options({ getToken }));
      const states = [];
      client.on('state', ({ newState }) => states.push(newState));
      client.connect();
      await until(() => tokens >= 3, 'two refreshes', 15_000);
      await client.publish(freshChannel('talk'), encode(client, 1));
      assert.deepEqual(states, ['connecting', 'connected']);
    });

    test('a_subscription_token_lets_in_where_nobody_else_is', async () => {
      const channel = freshChannel('closed');
      const client = await enter('42');
      const getToken = () => tokenOf({ sub: '42', channel });
      const subscription = client.newSubscription(channel, { getToken });
      subscription.subscribe();
      await eventOf(subscription, 'subscribed');
    });

    test('a_backend_disconnects_with_a_code_and_a_reason', async () => {
      const client = await enter('42');
      const disconnected = eventOf(client, 'disconnected');
      const disconnect = { code: 4600, reason: 'over' };
      await api(server, 'disconnect', { user: '42', disconnect });
      const { code, reason } = await disconnected;
      assert.deepEqual({ code, reason }, disconnect);
    });

    test('a_client_comes_back_after_a_code_that_says_so', async () => {
      const client = await enter('42');
      const connecting = eventOf(client, 'connecting');
      const connected = eventOf(client, 'connected');
      const disconnect = { code: 3011, reason: 'move' };
      await api(server, 'disconnect', { user: '42', disconnect });
      const { code, reason } = await connecting;
      assert.deepEqual({ code, reason }, disconnect);
      assert.notEqual((await connected).client, client.id);
    });

    test('a_backend_unsubscribes_and_subscribes', async () => {
      const channel = freshChannel('talk');
      const client = await enter('42');
      const hears = await subscribe(client, channel);
      const unsubscribed = eventOf(hears, 'unsubscribed');
      await api(server, 'unsubscribe', { user: '42', channel });
      assert.equal((await unsubscribed).code, 2000);
      const subscribed = eventOf(client, 'subscribed');
      await api(server, 'subscribe', { user: '42', channel: freshChannel('talk') });
      await subscribed;
    });

    test('a_silent_connection_lives_through_pings_and_empty_polls', async () => {
      const channel = freshChannel('talk');
      const client = await enter('1', { maxServerPingDelay: 1500 });
      const hears = await subscribe(client, channel);
      const left = [];
      client.on('connecting', (context) => left.push(context));
      const pings = async () => (await server.metrics()).value('millrace_pings_total');
      const before = await pings();
      await until(async () => (await pings()) >= before + 4, 'four pings', 10_000);
      await client.publish(channel, encode(client, 'still here'));
      assert.equal((await hears.publications.next()).data, 'still here');
      assert.deepEqual(left, []);
    });

    test('many_clients_hear_the_same', async () => {
      const channel = freshChannel('talk');
      const crowd = await Promise.all(range(1, 12).map((i) => enter(`${i}`)));
      const hearing = await Promise.all(crowd.map((client) => subscribe(client, channel)));
      await Promise.all(crowd.map((client, i) => client.publish(channel, encode(client, i))));
      const heard = await Promise.all(
        hearing.map(async ({ publications }) =>
          (await publications.take(crowd.length)).map(({ data }) => data),
        ),
      );
      for (const one of heard) assert.deepEqual(one, heard[0]);
      assert.deepEqual(
        heard[0].slice().sort((a, b) => a - b),
        range(0, crowd.length - 1),
      );
    });
  });
}

describe('all transports together', () => {
  test('clients_of_each_talk_to_each_other', async () => {
    const channel = freshChannel('talk');
    const all = [['websocket', 'json'], ['websocket', 'protobuf'], ...kFallbacks];
    const clients = await Promise.all(
      all.map(([transport, protocol], i) =>
        connectAs(server, `${i}`, { protocol, ...over(server, [transport]) }),
      ),
    );
    const hearing = await Promise.all(clients.map((client) => subscribe(client, channel)));
    for (const [i, client] of clients.entries()) {
      await client.publish(channel, encode(client, { from: i }));
    }
    for (const { publications } of hearing) {
      assert.deepEqual(
        (await publications.take(all.length)).map(({ data }) => data.from),
        range(0, all.length - 1),
      );
    }
  });

  test('bytes_that_are_not_json_reach_protobuf_and_end_json_with_3506', async () => {
    const channel = freshChannel('talk');
    const ends = new Inbox('the end of a client');
    const bytes = Buffer.from(range(0, 255));
    const heard = [];
    for (const [transport, protocol] of kFallbacks) {
      const client = await connectAs(server, '1', { protocol, ...over(server, [transport]) });
      client.on('disconnected', ({ code }) => ends.push(code));
      const subscription = client.newSubscription(channel);
      if (protocol === 'protobuf') heard.push(eventOf(subscription, 'publication'));
      subscription.subscribe();
      await eventOf(subscription, 'subscribed');
    }
    await api(server, 'publish', { channel, b64data: bytes.toString('base64') });
    for (const publication of heard) assert.deepEqual(Buffer.from((await publication).data), bytes);
    assert.deepEqual(await ends.take(3), [3506, 3506, 3506]);
  });
});

test('nothing_is_left_behind', () => server.becomesIdle(kKeptAliveMs));
