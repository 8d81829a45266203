// The official client, as it comes from npm, over JSON and over Protobuf.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';

import { closeClients, connect, encode, makeClient, subscribe } from './clients.mjs';
import { startServer } from './harness.mjs';
import { eventOf, until } from './waiting.mjs';

const kUuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const kChannelLimit = 600;
const kMessageLimit = 65_536; // the default of websocket.message_size_limit

for (const protocol of ['json', 'protobuf']) {
  describe(`centrifuge over ${protocol}`, () => {
    let server;
    const open = (options) => connect(server, { protocol, ...options });
    const rejectedWith = (code) => (error) => {
      assert.equal(error.code, code);
      return true;
    };
    const unsubscribedWith = async (client, channel, code) => {
      const subscription = client.newSubscription(channel);
      const unsubscribed = eventOf(subscription, 'unsubscribed');
      subscription.subscribe();
      assert.equal((await unsubscribed).code, code);
    };

    before(async () => {
      server = await startServer({
        config: {
          client: { channel_limit: kChannelLimit },
          channel: { namespaces: [{ name: 'news' }] },
        },
      });
    });
    afterEach(async () => {
      closeClients();
      await server.becomesIdle();
    });
    after(() => server.stop());

    test('connects_and_is_told_who_it_is', async () => {
      const client = makeClient(server, { protocol });
      const connected = eventOf(client, 'connected');
      client.connect();
      const context = await connected;
      assert.match(context.client, kUuid);
      assert.equal(context.transport, 'websocket');
      assert.equal(client.state, 'connected');
      const other = await open();
      assert.notEqual(other.id, context.client);
      const scrape = await server.metrics();
      assert.equal(scrape.value('websocket_connections_total'), 2);
      assert.equal(scrape.value('millrace_sessions'), 2);
    });

    test('publications_travel_both_ways_with_their_publisher', async () => {
      const [ann, bob] = [await open(), await open()];
      const [annHears, bobHears] = [await subscribe(ann, 'news:1'), await subscribe(bob, 'news:1')];
      await annHears.publish(encode(ann, { from: 'ann', text: 'Grüße, мир, 🌍' }));
      await bobHears.publish(encode(bob, ['from', 'bob', 1.5, null, true]));
      for (const hears of [annHears, bobHears]) {
        const [first, second] = await hears.publications.take(2);
        assert.deepEqual(first.data, { from: 'ann', text: 'Grüße, мир, 🌍' });
        assert.equal(first.channel, 'news:1');
        assert.equal(first.info.client, ann.id);
        assert.equal(first.info.user, '');
        assert.deepEqual(second.data, ['from', 'bob', 1.5, null, true]);
        assert.equal(second.info.client, bob.id);
      }
    });

    test('publications_of_one_client_arrive_in_order', async () => {
      const [from, to] = [await open(), await open()];
      const hears = await subscribe(to, 'order');
      const count = 1000;
      await Promise.all(
        Array.from({ length: count }, (_, i) => from.publish('order', encode(from, i))),
      );
      const got = await hears.publications.take(count);
      assert.deepEqual(
        got.map(({ data }) => data),
        Array.from({ length: count }, (_, i) => i),
      );
    });

    test('a_client_without_a_subscription_hears_nothing', async () => {
      const [from, to] = [await open(), await open()];
      const hears = await subscribe(to, 'here');
      await from.publish('elsewhere', encode(from, 'not for you'));
      await from.publish('here', encode(from, 'for you'));
      assert.equal((await hears.publications.next()).data, 'for you');
    });

    test('hundreds_of_subscriptions_go_in_one_frame', async () => {
      const client = await open();
      const names = Array.from({ length: 500 }, (_, i) => `many-${i}`);
      const framesBefore = client.sockets[0].sent.length;
      client.startBatching();
      const subscribed = names.map((name) => subscribe(client, name));
      client.stopBatching();
      const subscriptions = await Promise.all(subscribed);
      assert.equal(client.sockets[0].sent.length - framesBefore, 1);
      assert.equal((await server.metrics()).value('millrace_subscriptions'), 500);
      const other = await open();
      await Promise.all(names.map((name) => other.publish(name, encode(other, name))));
      const got = await Promise.all(subscriptions.map(({ publications }) => publications.next()));
      assert.deepEqual(
        got.map(({ data }) => data),
        names,
      );
    });

    test('one_subscription_over_the_channel_limit_is_refused_with_106', async () => {
      const client = await open();
      client.startBatching();
      const subscribed = Array.from({ length: kChannelLimit }, (_, i) =>
        subscribe(client, `limit-${i}`),
      );
      client.stopBatching();
      const subscriptions = await Promise.all(subscribed);
      await unsubscribedWith(client, 'one-more', 106);
      const unsubscribed = eventOf(subscriptions[0], 'unsubscribed');
      subscriptions[0].unsubscribe();
      await unsubscribed;
      await subscribe(client, 'room-again');
    });

    test('subscriptions_made_before_connecting_ride_along_with_it', async () => {
      const client = makeClient(server, { protocol });
      const subscribed = ['a', 'b', 'c'].map((name) => subscribe(client, name));
      client.connect();
      await Promise.all(subscribed);
      assert.equal(client.sockets[0].sent.length, 1);
    });

    test('a_payload_just_under_the_limit_passes', async () => {
      const [from, to] = [await open(), await open()];
      const hears = await subscribe(to, 'large');
      const large = 'x'.repeat(kMessageLimit - 100);
      await from.publish('large', encode(from, large));
      const size = from.sockets[0].sent.at(-1);
      assert.ok(size > kMessageLimit - 100 && size <= kMessageLimit, `a frame of ${size} bytes`);
      assert.equal((await hears.publications.next()).data, large);
      assert.equal(from.state, 'connected');
    });

    test('a_payload_over_the_limit_ends_the_client_with_message_size_limit', async () => {
      const client = await open();
      const disconnected = eventOf(client, 'disconnected');
      const closed = eventOf(client.sockets[0], 'close');
      const publish = client.publish('large', encode(client, 'x'.repeat(kMessageLimit + 1)));
      await assert.rejects(publish);
      assert.equal(await closed, 1009);
      const { code, reason } = await disconnected;
      assert.equal(code, 3);
      assert.match(reason, /message size limit/);
    });

    test('a_batch_of_publications_is_one_frame_and_each_is_answered', async () => {
      const [from, to] = [await open(), await open()];
      const hears = await subscribe(to, 'batch');
      const before = from.sockets[0].sent.length;
      from.startBatching();
      const published = Array.from({ length: 300 }, (_, i) =>
        from.publish('batch', encode(from, { i })),
      );
      from.stopBatching();
      assert.equal((await Promise.all(published)).length, 300);
      assert.equal(from.sockets[0].sent.length - before, 1);
      const got = await hears.publications.take(300);
      assert.deepEqual(
        got.map(({ data }) => data.i),
        Array.from({ length: 300 }, (_, i) => i),
      );
    });

    test('nothing_arrives_after_unsubscribing_and_all_after_subscribing_again', async () => {
      const [from, to] = [await open(), await open()];
      const hears = await subscribe(to, 'on-off');
      const fence = await subscribe(to, 'fence');
      hears.unsubscribe();
      await until(
        async () => (await server.metrics()).value('millrace_subscriptions') === 1,
        'unsubscribed',
      );
      await from.publish('on-off', encode(from, 'missed'));
      await from.publish('fence', encode(from, 'fence'));
      await fence.publications.next();
      const subscribed = eventOf(hears, 'subscribed');
      hears.subscribe();
      await subscribed;
      await from.publish('on-off', encode(from, 'heard'));
      assert.equal((await hears.publications.next()).data, 'heard');
    });

    test('channel_names_of_255_bytes_pass_and_longer_ones_get_107', async () => {
      const client = await open();
      await subscribe(client, 'c'.repeat(255));
      await unsubscribedWith(client, 'c'.repeat(256), 107);
      await unsubscribedWith(client, 'größe', 107);
      await assert.rejects(client.publish('c'.repeat(256), encode(client, 1)), rejectedWith(107));
    });

    test('an_unknown_namespace_gets_102', async () => {
      const client = await open();
      await unsubscribedWith(client, 'nosuch:1', 102);
      await assert.rejects(client.publish('nosuch:1', encode(client, 1)), rejectedWith(102));
    });

    test('what_the_channel_or_server_does_not_have_gets_108', async () => {
      const client = await open();
      await subscribe(client, 'plain');
      await assert.rejects(client.presence('plain'), rejectedWith(108));
      await assert.rejects(client.presenceStats('plain'), rejectedWith(108));
      await assert.rejects(client.history('plain', { limit: 1 }), rejectedWith(108));
      await assert.rejects(client.rpc('method', encode(client, {})), rejectedWith(108));
      assert.equal(client.state, 'connected');
    });

    test('an_asynchronous_message_ends_the_client_with_3508', async () => {
      const client = await open();
      const disconnected = eventOf(client, 'disconnected');
      await client.send(encode(client, { any: 'thing' }));
      assert.deepEqual(await disconnected, { code: 3508, reason: 'not available' });
    });

    test('errors_and_closes_are_counted_by_code', async () => {
      const count = async () => {
        const scrape = await server.metrics();
        return [
          scrape.value('millrace_reply_errors_total', { code: '108' }),
          scrape.value('millrace_disconnects_total', { code: '3508' }),
        ];
      };
      const [errors, closes] = await count();
      const client = await open();
      await assert.rejects(client.rpc('method', encode(client, {})), rejectedWith(108));
      const disconnected = eventOf(client, 'disconnected');
      await client.send(encode(client, 1));
      await disconnected;
      assert.deepEqual(await count(), [errors + 1, closes + 1]);
    });
  });
}

describe('centrifuge over both protocols', () => {
  let server;
  before(async () => (server = await startServer()));
  afterEach(async () => {
    closeClients();
    await server.becomesIdle();
  });
  after(() => server.stop());

  test('a_json_and_a_protobuf_client_talk_to_each_other', async () => {
    const json = await connect(server);
    const protobuf = await connect(server, { protocol: 'protobuf' });
    const [jsonHears, protobufHears] = [
      await subscribe(json, 'shared'),
      await subscribe(protobuf, 'shared'),
    ];
    await json.publish('shared', encode(json, { n: 1 }));
    await protobuf.publish('shared', encode(protobuf, { n: 2 }));
    for (const hears of [jsonHears, protobufHears]) {
      assert.deepEqual(
        (await hears.publications.take(2)).map(({ data }) => data),
        [{ n: 1 }, { n: 2 }],
      );
    }
  });

  test('bytes_that_are_not_json_reach_protobuf_clients_as_they_are', async () => {
    const [from, to] = [
      await connect(server, { protocol: 'protobuf' }),
      await connect(server, { protocol: 'protobuf' }),
    ];
    const subscription = to.newSubscription('bytes');
    const subscribed = eventOf(subscription, 'subscribed');
    subscription.subscribe();
    await subscribed;
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
    const publication = eventOf(subscription, 'publication');
    await from.publish('bytes', bytes);
    assert.deepEqual(Buffer.from((await publication).data), bytes);
  });

  test('bytes_that_are_not_json_end_a_json_subscriber_with_3506', async () => {
    const [from, to] = [await connect(server, { protocol: 'protobuf' }), await connect(server)];
    await subscribe(to, 'bytes');
    const disconnected = eventOf(to, 'disconnected');
    await from.publish('bytes', Buffer.from([0xff, 0x00]));
    assert.deepEqual(await disconnected, { code: 3506, reason: 'inappropriate protocol' });
  });
});
