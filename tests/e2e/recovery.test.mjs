// Coming back to a channel with history: what was missed comes with the subscribe reply, or the
// client is told that it can't be had.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';

import { closeSockets, kBreaks } from './breakable.mjs';
import { RawClient, closeClients } from './clients.mjs';
import { startServer } from './harness.mjs';
import {
  JsonClient,
  api,
  breakAway,
  comeBack,
  configOf,
  freshChannel,
  openListener,
  publishAll,
  range,
} from './streams.mjs';
import { until } from './waiting.mjs';

const kLog = { history_size: 100, history_ttl: '300s' };
const kNamespaces = {
  log: { ...kLog, force_recovery: true },
  asked: { ...kLog, allow_recovery: true, allow_positioning: true },
  small: { ...kLog, history_size: 5, force_recovery: true },
  cache: { ...kLog, force_recovery: true, force_recovery_mode: 'cache' },
  auto: { ...kLog, force_recovery: true, force_recovery_mode: 'cache', auto_cache_recover: true },
  plain: {},
};
const kLimit = 50;

let server;
before(async () => {
  const limits = { client: { recovery_max_publication_limit: kLimit } };
  server = await startServer({ config: configOf(kNamespaces, limits) });
});
afterEach(async () => {
  closeClients();
  closeSockets();
  await server.becomesIdle();
});
after(() => server.stop());

const publish = (channel, values) => publishAll(server, channel, values);

for (const protocol of ['json', 'protobuf']) {
  describe(`recovery over ${protocol}`, () => {
    const open = (channel, options) => openListener(server, channel, { protocol, ...options });

    test('what_was_missed_comes_once_and_in_order_and_then_live', async () => {
      for (const how of kBreaks) {
        const channel = freshChannel('log');
        const [client, sub] = await open(channel);
        await publish(channel, range(1, 3));
        assert.deepEqual(await sub.heard(3), range(1, 3));
        await breakAway(client, how);
        await publish(channel, range(4, 9));
        const back = await comeBack(client, sub);
        await publish(channel, range(10, 12));
        assert.deepEqual(await sub.heard(9), range(4, 12));
        assert.equal(back.wasRecovering, true);
        assert.equal(back.recovered, true);
        assert.equal(back.hasRecoveredPublications, true);
        assert.equal(sub.publications.items.length, 0);
      }
    });

    test('publications_carry_their_offsets_when_live_and_when_recovered', async () => {
      const channel = freshChannel('log');
      const [client, sub] = await open(channel);
      await publish(channel, range(1, 2));
      const live = await sub.publications.take(2);
      await breakAway(client);
      await publish(channel, range(3, 4));
      await comeBack(client, sub);
      const recovered = await sub.publications.take(2);
      assert.deepEqual(
        [...live, ...recovered].map(({ offset }) => offset),
        range(1, 4),
      );
    });

    test('the_subscribe_reply_brings_the_position', async () => {
      const channel = freshChannel('log');
      const [, first] = await open(channel);
      assert.equal(first.first.positioned, true);
      assert.equal(first.first.recoverable, true);
      assert.equal(first.first.wasRecovering, false);
      assert.equal(first.first.streamPosition.offset, 0);
      await publish(channel, range(1, 7));
      const [, second] = await open(channel);
      assert.equal(second.first.streamPosition.offset, 7);
      assert.equal(second.first.streamPosition.epoch, first.first.streamPosition.epoch);
    });

    test('recovery_and_positions_are_had_on_request_where_the_namespace_allows_it', async () => {
      const channel = freshChannel('asked');
      const [, silent] = await open(channel);
      assert.deepEqual([silent.first.positioned, silent.first.recoverable], [false, false]);
      const [, positioned] = await open(channel, { options: { positioned: true } });
      assert.deepEqual([positioned.first.positioned, positioned.first.recoverable], [true, false]);
      const [client, recoverable] = await open(channel, { options: { recoverable: true } });
      assert.equal(recoverable.first.recoverable, true);
      await breakAway(client);
      await publish(channel, [1]);
      assert.equal((await comeBack(client, recoverable)).recovered, true);
      assert.deepEqual(await recoverable.heard(1), [1]);
    });

    test('a_position_that_was_stored_elsewhere_is_recovered_from', async () => {
      const channel = freshChannel('log');
      await publish(channel, range(1, 5));
      const { epoch } = await api(server, 'history', { channel });
      const [, sub] = await open(channel, { options: { since: { offset: 2, epoch } } });
      assert.equal(sub.first.recovered, true);
      assert.deepEqual(await sub.heard(3), range(3, 5));
    });

    test('a_channel_without_history_is_live_only', async () => {
      const channel = freshChannel('plain');
      const [client, sub] = await open(channel, { options: { recoverable: true } });
      assert.deepEqual([sub.first.positioned, sub.first.recoverable], [false, false]);
      await breakAway(client);
      await publish(channel, ['missed']);
      assert.equal((await comeBack(client, sub)).recovered, false);
      await publish(channel, ['live']);
      assert.deepEqual(await sub.heard(1), ['live']);
    });

    test('more_missed_than_one_recovery_may_bring_brings_nothing_and_then_live', async () => {
      const channel = freshChannel('log');
      const [client, sub] = await open(channel);
      await breakAway(client);
      await publish(channel, range(1, kLimit));
      assert.equal((await comeBack(client, sub)).recovered, true);
      assert.deepEqual(await sub.heard(kLimit), range(1, kLimit));
      await breakAway(client);
      await publish(channel, range(1, kLimit + 1));
      const back = await comeBack(client, sub);
      assert.deepEqual([back.wasRecovering, back.recovered], [true, false]);
      assert.equal(back.streamPosition.offset, 2 * kLimit + 1);
      await publish(channel, ['live']);
      assert.deepEqual(await sub.heard(1), ['live']);
    });

    test('in_cache_mode_only_the_newest_comes', async () => {
      const channel = freshChannel('cache');
      const [client, sub] = await open(channel);
      await breakAway(client);
      await publish(channel, range(1, 5));
      const back = await comeBack(client, sub);
      assert.equal(back.recovered, true);
      assert.deepEqual(await sub.heard(1), [5]);
      await breakAway(client);
      const again = await comeBack(client, sub);
      assert.deepEqual([again.recovered, again.hasRecoveredPublications], [true, false]);
      await publish(channel, [6]);
      assert.deepEqual(await sub.heard(1), [6]);
    });

    test('a_first_cache_recovery_is_had_from_the_empty_position_or_by_the_namespace', async () => {
      for (const [namespace, options] of [
        ['cache', { since: { offset: 0, epoch: '' } }],
        ['auto', {}],
      ]) {
        const channel = freshChannel(namespace);
        await publish(channel, range(1, 3));
        const [, sub] = await open(channel, { options });
        assert.deepEqual([sub.first.wasRecovering, sub.first.recovered], [true, true]);
        await publish(channel, [4]);
        assert.deepEqual(await sub.heard(2), [3, 4]);
      }
    });
  });
}

describe('the subscribe reply to the byte', () => {
  const positionOf = async (channel) => {
    const { epoch, offset } = await api(server, 'history', { channel });
    return { epoch, offset };
  };

  test('a_recovered_one_has_the_offset_that_was_asked_from', async () => {
    const channel = freshChannel('log');
    await publish(channel, range(1, 4));
    const { epoch } = await positionOf(channel);
    const client = await JsonClient.connect(server);
    assert.deepEqual(await client.subscribe(channel, { recover: true, epoch, offset: 2 }), {
      recoverable: true,
      positioned: true,
      epoch,
      offset: 2,
      was_recovering: true,
      recovered: true,
      publications: [
        { data: 3, offset: 3 },
        { data: 4, offset: 4 },
      ],
    });
  });

  test('an_unrecovered_one_has_the_top_and_no_publications', async () => {
    const channel = freshChannel('small');
    await publish(channel, range(1, 10));
    const { epoch } = await positionOf(channel);
    for (const since of [
      { epoch, offset: 4 },
      { epoch: 'another', offset: 10 },
      { epoch, offset: 11 },
    ]) {
      const client = await JsonClient.connect(server);
      const expected = { recoverable: true, positioned: true, epoch, offset: 10 };
      assert.deepEqual(await client.subscribe(channel, { recover: true, ...since }), {
        ...expected,
        was_recovering: true,
      });
    }
  });

  test('whoever_rejects_what_is_not_recovered_gets_112_and_no_subscription', async () => {
    for (const namespace of ['small', 'cache']) {
      const channel = freshChannel(namespace);
      await publish(channel, range(1, 10));
      const { epoch } = await positionOf(channel);
      await api(server, 'history_remove', { channel });
      const client = await JsonClient.connect(server);
      const since = { recover: true, epoch, offset: 4 };
      await assert.rejects(client.subscribe(channel, { ...since, flag: 2 }), { code: 112 });
      const whole = { recover: true, epoch, offset: 10, flag: 2 };
      assert.equal((await client.subscribe(channel, whole)).recovered, true);
    }
  });
});

describe('a client that comes back to many channels at once, and does not read', () => {
  const kChannels = 60;
  const kPublications = 4;
  const kBytes = 100_000; // of each
  const kLimits = { queue_max_size: 1 << 20, recovery_max_bytes: 1 << 20 };

  // Half a queue is waiting, or not yet; and four recoveries are under way.
  const kBytesMax = kLimits.queue_max_size / 2 + 5 * kPublications * (kBytes + 1000);

  test('is_brought_no_more_than_it_has_room_for_and_all_of_it_when_it_reads', async () => {
    const own = await startServer({
      config: configOf({ log: { ...kLog, force_recovery: true } }, { client: kLimits }),
    });
    const channels = range(1, kChannels).map(() => freshChannel('log'));
    for (const channel of channels) {
      await publishAll(own, channel, Array(kPublications).fill('x'.repeat(kBytes)));
    }
    const asks = channels.map(async (channel) => {
      const { epoch } = await api(own, 'history', { channel });
      return { channel, recover: true, epoch, offset: 0 };
    });
    const subscribes = await Promise.all(asks);

    const raw = await RawClient.open(own);
    await raw.connect();
    raw.socket.pause();
    raw.send(subscribes.map((subscribe, i) => JSON.stringify({ id: i + 2, subscribe })).join('\n'));
    const waiting = async () => (await own.metrics()).value('millrace_outbox_bytes');
    await until(async () => (await waiting()) > 0, 'the kernel takes no more');
    for (let i = 0; i < 5; i += 1) {
      const bytes = await waiting();
      assert.ok(bytes < kBytesMax, `${bytes} wait for one client`);
    }

    raw.socket.resume();
    const replies = (await raw.messages.take(kChannels)).map((line) => JSON.parse(line));
    assert.equal(new Set(replies.map(({ id }) => id)).size, kChannels);
    for (const reply of replies) {
      assert.equal(reply.subscribe.recovered, true);
      assert.equal(reply.subscribe.publications.length, kPublications);
    }
    closeClients();
    await own.becomesIdle();
    await own.stop();
  });
});
