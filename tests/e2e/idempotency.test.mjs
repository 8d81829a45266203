// Publishing once, however often one has to ask; and without hearing oneself.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';

import { closeSockets } from './breakable.mjs';
import { closeClients, connect, decode, encode } from './clients.mjs';
import { startServer } from './harness.mjs';
import {
  JsonClient,
  api,
  configOf,
  freshChannel,
  listen,
  openListener,
  publishAll,
  range,
} from './streams.mjs';

const kNamespaces = {
  log: { history_size: 100, history_ttl: '300s', force_recovery: true },
  nolog: {},
};

let server;
before(async () => (server = await startServer({ config: configOf(kNamespaces) })));
afterEach(async () => {
  closeClients();
  closeSockets();
  await server.becomesIdle();
});
after(() => server.stop());

const publish = (channel, data, options) =>
  api(server, 'publish', { channel, data, ...options });

// What a subscriber hears up to a last message that says so.
async function heardIn(channel, subscription) {
  await publish(channel, 'end');
  const heard = [];
  for (;;) {
    const [value] = await subscription.heard(1);
    if (value === 'end') return heard;
    heard.push(value);
  }
}

describe('a publish of the server API', () => {
  test('with_the_key_of_another_is_answered_as_that_was_and_is_not_published', async () => {
    const channel = freshChannel('log');
    const [, sub] = await openListener(server, channel);
    const first = await publish(channel, 'first', { idempotency_key: 'k' });
    const second = await publish(channel, 'second', { idempotency_key: 'l' });
    assert.deepEqual([first.offset, second.offset], [1, 2]);
    assert.deepEqual(await publish(channel, 'again', { idempotency_key: 'k' }), first);
    assert.deepEqual(await publish(channel, 'again', { idempotency_key: 'l' }), second);
    assert.deepEqual(await heardIn(channel, sub), ['first', 'second']);
  });

  test('at_the_same_time_many_times_is_published_once', async () => {
    const channel = freshChannel('log');
    const [, sub] = await openListener(server, channel);
    const results = await Promise.all(
      range(1, 20).map((n) => publish(channel, n, { idempotency_key: 'same' })),
    );
    assert.ok(results.every(({ offset }) => offset === 1));
    assert.equal((await heardIn(channel, sub)).length, 1);
  });

  test('in_another_channel_is_another', async () => {
    const [one, two] = [freshChannel('log'), freshChannel('log')];
    await publish(one, 1, { idempotency_key: 'k' });
    await publish(one, 2);
    await publish(two, 3);
    assert.equal((await publish(two, 4, { idempotency_key: 'k' })).offset, 2);
  });

  test('is_published_once_without_history_too', async () => {
    const channel = freshChannel('nolog');
    const [, sub] = await openListener(server, channel);
    for (const n of range(1, 3)) {
      assert.deepEqual(await publish(channel, n, { idempotency_key: 'k' }), {});
    }
    assert.deepEqual(await heardIn(channel, sub), [1]);
  });

  test('with_a_version_that_is_not_newer_is_dropped', async () => {
    for (const namespace of ['log', 'nolog']) {
      const channel = freshChannel(namespace);
      const [, sub] = await openListener(server, channel);
      const steps = [
        ['v2', { version: 2 }],
        ['v1, late', { version: 1 }],
        ['v2, again', { version: 2 }],
        ['without', {}],
        ['v3', { version: 3 }],
        ['v1 of another epoch', { version: 1, version_epoch: 'b' }],
        ['v1 of it, again', { version: 1, version_epoch: 'b' }],
      ];
      const offsets = [];
      for (const [data, options] of steps) {
        offsets.push((await publish(channel, data, options)).offset);
      }
      const expected = ['v2', 'without', 'v3', 'v1 of another epoch'];
      assert.deepEqual(await heardIn(channel, sub), expected);
      if (namespace === 'log') assert.deepEqual(offsets, [1, 1, 1, 2, 3, 4, 4]);
    }
  });

  test('leaves_out_the_client_it_names', async () => {
    for (const namespace of ['log', 'nolog']) {
      const channel = freshChannel(namespace);
      const [out, other] = [await JsonClient.connect(server), await JsonClient.connect(server)];
      for (const client of [out, other]) await client.subscribe(channel);
      await publish(channel, 1);
      await publish(channel, 2, { exclude: out.id });
      await publish(channel, 3);
      const heard = async (client, count) =>
        (await client.pushes.take(count)).map(({ pub }) => pub.data);
      assert.deepEqual(await heard(out, 2), [1, 3]);
      assert.deepEqual(await heard(other, 3), [1, 2, 3]);
    }
  });
});

describe("a client's publish", () => {
  const ask = async (client, channel, data, rest) =>
    (await client.ask({ publish: { channel, data, ...rest } })).publish;

  test('that_is_repeated_with_its_key_is_published_once_also_from_a_new_connection', async () => {
    const channel = freshChannel('log');
    const [, sub] = await openListener(server, channel);
    await publish(channel, 'before');
    const { epoch } = await api(server, 'history', { channel });
    for (const how of ['reset', 'vanish', 'leave']) {
      const client = await JsonClient.connect(server);
      const key = { idempotency_key: `before ${how}` };
      const first = await ask(client, channel, how, key);
      assert.equal(first.epoch, epoch);
      assert.deepEqual(await ask(client, channel, how, key), first);
      client.socket[how]();
      const next = await JsonClient.connect(server);
      assert.deepEqual(await ask(next, channel, how, key), first);
    }
    assert.deepEqual(await heardIn(channel, sub), ['before', 'reset', 'vanish', 'leave']);
  });

  test('that_was_not_heard_to_be_answered_can_be_repeated', async () => {
    const channel = freshChannel('log');
    const [, sub] = await openListener(server, channel);
    const publishes = range(1, 50).map((n) => ({ channel, data: n, idempotency_key: `key ${n}` }));
    const client = await JsonClient.connect(server);
    for (const [i, command] of publishes.entries()) {
      client.socket.send(JSON.stringify({ id: 100 + i, publish: command }));
    }
    await client.socket.flushed();
    client.socket.vanish();
    const next = await JsonClient.connect(server);
    const offsets = [];
    for (const command of publishes) {
      offsets.push((await next.ask({ publish: command })).publish.offset);
    }
    assert.deepEqual(offsets, range(1, 50));
    assert.deepEqual(await heardIn(channel, sub), range(1, 50));
  });

  test('without_a_key_is_answered_as_the_protocol_has_it', async () => {
    const client = await JsonClient.connect(server);
    const channel = freshChannel('log');
    assert.deepEqual(await ask(client, channel, 1), {});
    assert.equal((await ask(client, channel, 2, { idempotency_key: 'k' })).offset, 2);
  });

  test('with_a_key_that_is_too_long_gets_107', async () => {
    const client = await JsonClient.connect(server);
    const command = { channel: freshChannel('log'), data: 1, idempotency_key: 'k'.repeat(513) };
    assert.equal((await client.ask({ publish: command })).error.code, 107);
  });

  test('with_exclude_self_is_heard_by_the_others', async () => {
    const channel = freshChannel('log');
    const [self, other] = [await JsonClient.connect(server), await JsonClient.connect(server)];
    for (const client of [self, other]) await client.subscribe(channel);
    await ask(self, channel, 'own', { exclude_self: true });
    await ask(self, channel, 'for all');
    assert.equal((await self.pushes.next()).pub.data, 'for all');
    const heard = (await other.pushes.take(2)).map(({ pub }) => pub.data);
    assert.deepEqual(heard, ['own', 'for all']);
  });
});

for (const protocol of ['json', 'protobuf']) {
  describe(`the RPC millrace.publish of the official client over ${protocol}`, () => {
    const open = () => connect(server, { protocol });
    const call = async (client, params) =>
      decode((await client.rpc('millrace.publish', encode(client, params))).data);

    test('publishes_once_also_from_a_new_connection', async () => {
      const channel = freshChannel('log');
      const [, sub] = await openListener(server, channel, { protocol });
      const first = await open();
      await publish(channel, 'before');
      const params = { channel, data: { text: 'Grüße\n🌍' }, idempotency_key: 'k' };
      const result = await call(first, params);
      assert.equal(result.offset, 2);
      assert.equal(result.epoch, (await api(server, 'history', { channel })).epoch);
      assert.deepEqual(await call(first, params), result);
      first.disconnect();
      assert.deepEqual(await call(await open(), params), result);
      assert.deepEqual(await heardIn(channel, sub), ['before', params.data]);
    });

    test('tells_who_published', async () => {
      const channel = freshChannel('log');
      const [, sub] = await openListener(server, channel, { protocol });
      const client = await open();
      await call(client, { channel, data: 1 });
      assert.equal((await sub.publications.next()).info.client, client.id);
    });

    test('leaves_its_caller_out_on_request', async () => {
      const channel = freshChannel('log');
      const client = await open();
      const own = listen(client, channel);
      await own.replies.next();
      const [, other] = await openListener(server, channel, { protocol });
      await call(client, { channel, data: 1, exclude_self: true });
      await call(client, { channel, data: 2, exclude_self: false });
      assert.deepEqual(await heardIn(channel, own), [2]);
      assert.deepEqual(await heardIn(channel, other), [1, 2]);
    });

    test('refuses_what_it_does_not_understand_with_107_and_another_method_with_108', async () => {
      const client = await open();
      const channel = freshChannel('log');
      for (const params of [
        [],
        { data: 1 },
        { channel: 7, data: 1 },
        { channel },
        { channel, data: 1, idempotency_key: 5 },
        { channel, data: 1, exclude_self: 'yes' },
      ]) {
        await assert.rejects(call(client, params), { code: 107 }, JSON.stringify(params));
      }
      await assert.rejects(client.rpc('millrace.other', encode(client, {})), { code: 108 });
      await assert.rejects(call(client, { channel: 'nosuch:1', data: 1 }), { code: 102 });
    });
  });
}

test('what_is_published_with_skip_history_is_live_only', async () => {
  const channel = freshChannel('log');
  const [, sub] = await openListener(server, channel);
  await publishAll(server, channel, [1]);
  await publishAll(server, channel, ['passing'], { skip_history: true });
  await publishAll(server, channel, [2]);
  assert.deepEqual(await heardIn(channel, sub), [1, 'passing', 2]);
  const { publications } = await api(server, 'history', { channel, limit: 10 });
  assert.deepEqual(publications.map(({ data }) => data), [1, 2, 'end']);
});
