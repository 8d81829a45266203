// Resumes that have gone wrong elsewhere: each moment at which a connection may break, as a test.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';

import { closeSockets, kBreaks } from './breakable.mjs';
import { closeClients } from './clients.mjs';
import { startServer } from './harness.mjs';
import {
  JsonClient,
  api,
  breakAway,
  comeBack,
  configOf,
  freshChannel,
  listen,
  makeBreakable,
  openListener,
  publishAll,
  range,
} from './streams.mjs';
import { eventOf, until } from './waiting.mjs';

const kLog = { history_size: 1000, history_ttl: '300s', force_recovery: true };
const kNamespaces = {
  log: kLog,
  small: { ...kLog, history_size: 5 },
  brief: { ...kLog, history_ttl: '1s' },
  fleeting: { ...kLog, history_ttl: '1s', history_meta_ttl: '1s' },
};
const kConfig = configOf(kNamespaces, { workers: 2 });

let server;
before(async () => (server = await startServer({ config: kConfig })));
afterEach(async () => {
  closeClients();
  closeSockets();
  await server.becomesIdle();
});
after(() => server.stop());

const publish = (channel, values) => publishAll(server, channel, values);
const lengthOf = async (channel) =>
  (await api(server, 'history', { channel, limit: 1000 })).publications.length;
// Since the last publication. Asking for the log in question would keep it, so another one of the
// same age has to say so.
async function oneSecondHasPassed() {
  const twin = freshChannel('brief');
  await publish(twin, [1]);
  await until(async () => (await lengthOf(twin)) === 0, 'a publication expires');
}

for (const protocol of ['json', 'protobuf']) {
  describe(`a client over ${protocol} resumes`, () => {
    const open = (channel) => openListener(server, channel, { protocol });

    test('in_the_first_100_ms_at_every_moment_of_them', async () => {
      const moments = {
        'when the socket is open': (client) => eventOf(client.socket(), 'open'),
        'when it is connected': (client) => eventOf(client, 'connected'),
        'when it is subscribed': (_, sub) => eventOf(sub, 'subscribed'),
        'at the first publication': (_, sub) => eventOf(sub, 'publication'),
      };
      for (const [when, moment] of Object.entries(moments)) {
        for (const how of kBreaks) {
          const channel = freshChannel('log');
          const [, witness] = await open(channel);
          const client = makeBreakable(server, { protocol });
          // Whatever it gets is after this position, and all of it.
          const since = { offset: 0, epoch: witness.first.streamPosition.epoch };
          const sub = listen(client, channel, { since });
          client.connect();
          const reached = moment(client, sub);
          const published = publish(channel, range(1, 3));
          await reached;
          client.socket()[how]();
          await published;
          await publish(channel, [4]);
          assert.deepEqual(await sub.heard(4), range(1, 4), `${when}: ${how}`);
          await publish(channel, [5]);
          assert.deepEqual(await sub.heard(1), [5], `${when}: ${how}`);
        }
      }
    });

    test('before_any_message', async () => {
      for (const how of kBreaks) {
        const channel = freshChannel('log');
        const [client, sub] = await open(channel);
        await breakAway(client, how);
        await publish(channel, range(1, 3));
        assert.equal((await comeBack(client, sub)).recovered, true);
        assert.deepEqual(await sub.heard(3), range(1, 3));
      }
    });

    test('before_any_message_and_with_nothing_missed', async () => {
      const channel = freshChannel('log');
      const [client, sub] = await open(channel);
      await breakAway(client);
      assert.equal((await comeBack(client, sub)).recovered, true);
      await publish(channel, [1]);
      assert.deepEqual(await sub.heard(1), [1]);
    });

    test('twice_in_a_row', async () => {
      const channel = freshChannel('log');
      const [client, sub] = await open(channel);
      await publish(channel, [1]);
      for (const first of [2, 4, 6]) {
        await breakAway(client);
        await publish(channel, [first, first + 1]);
        assert.equal((await comeBack(client, sub)).recovered, true);
      }
      assert.deepEqual(await sub.heard(7), range(1, 7));
      // And with nothing new in between.
      await breakAway(client);
      assert.equal((await comeBack(client, sub)).recovered, true);
      await breakAway(client);
      await publish(channel, [8]);
      assert.equal((await comeBack(client, sub)).recovered, true);
      assert.deepEqual(await sub.heard(1), [8]);
    });

    test('with_more_missed_than_history_holds_it_is_told_and_starts_anew', async () => {
      const channel = freshChannel('small');
      const [client, sub] = await open(channel);
      await publish(channel, [1]);
      assert.deepEqual(await sub.heard(1), [1]);
      await breakAway(client);
      await publish(channel, range(2, 6)); // all that it holds
      assert.equal((await comeBack(client, sub)).recovered, true);
      assert.deepEqual(await sub.heard(5), range(2, 6));
      await breakAway(client);
      await publish(channel, range(7, 12)); // one more
      const back = await comeBack(client, sub);
      assert.deepEqual([back.wasRecovering, back.recovered], [true, false]);
      assert.equal(back.streamPosition.offset, 12);
      await publish(channel, [13]);
      assert.deepEqual(await sub.heard(1), [13]);
    });

    test('while_the_old_socket_is_still_half_open', async () => {
      const channel = freshChannel('log');
      const [client, sub] = await open(channel);
      await publish(channel, [1]);
      assert.deepEqual(await sub.heard(1), [1]);
      const old = client.socket();
      const back = sub.replies.next();
      old.vanish();
      await publish(channel, [2]);
      assert.equal((await back).recovered, true);
      await publish(channel, [3]);
      assert.deepEqual(await sub.heard(2), [2, 3]);
      // The server has both, and so has the channel.
      assert.equal((await server.metrics()).value('millrace_subscriptions'), 2);
      old.reset();
      await until(
        async () => (await server.metrics()).value('millrace_subscriptions') === 1,
        'the old subscription ends',
      );
      await publish(channel, [4]);
      assert.deepEqual(await sub.heard(1), [4]);
    });

    test('after_the_log_was_forgotten_it_is_told_and_starts_anew', async () => {
      const channel = freshChannel('fleeting');
      const [client, sub] = await open(channel);
      await publish(channel, [1]);
      assert.deepEqual(await sub.heard(1), [1]);
      await breakAway(client);
      await oneSecondHasPassed();
      const back = await comeBack(client, sub);
      assert.deepEqual([back.wasRecovering, back.recovered], [true, false]);
      assert.notEqual(back.streamPosition.epoch, sub.first.streamPosition.epoch);
      assert.equal(back.streamPosition.offset, 0);
      await publish(channel, ['anew']);
      assert.deepEqual(await sub.heard(1), ['anew']);
    });

    test('when_the_log_is_forgotten_while_it_listens_it_is_told_and_starts_anew', async () => {
      const channel = freshChannel('fleeting');
      const [, sub] = await open(channel);
      await publish(channel, [1]);
      assert.deepEqual(await sub.heard(1), [1]);
      await oneSecondHasPassed();
      await publish(channel, ['first of another log']);
      const back = await sub.replies.next();
      assert.deepEqual([back.wasRecovering, back.recovered], [true, false]);
      assert.notEqual(back.streamPosition.epoch, sub.first.streamPosition.epoch);
      await publish(channel, ['anew']);
      assert.deepEqual(await sub.heard(1), ['anew']);
    });

    test('after_a_restart_of_the_server_it_is_told_and_starts_anew', async () => {
      const own = await startServer({ config: kConfig });
      const channel = freshChannel('log');
      const [client, sub] = await openListener(own, channel, { protocol });
      await publishAll(own, channel, [1]);
      assert.deepEqual(await sub.heard(1), [1]);
      client.network.down = true;
      await own.stop();
      const again = await startServer({ config: kConfig, port: own.port });
      const back = await comeBack(client, sub);
      assert.deepEqual([back.wasRecovering, back.recovered], [true, false]);
      assert.notEqual(back.streamPosition.epoch, sub.first.streamPosition.epoch);
      await publishAll(again, channel, ['anew']);
      assert.deepEqual(await sub.heard(1), ['anew']);
      const disconnected = eventOf(client, 'disconnected');
      client.disconnect();
      await disconnected;
      await again.stop();
    });
  });
}

describe('many that resume at once', () => {
  test('at_the_edge_of_the_ttl_each_gets_everything_or_nothing', async () => {
    const channel = freshChannel('brief');
    const client = await JsonClient.connect(server);
    const { epoch } = await client.subscribe(channel);
    await client.unsubscribe(channel);
    let published = 0;
    const outcomes = new Set();
    // One publication with each step: when the first expires, others are still there.
    await until(async () => {
      await publish(channel, [(published += 1)]);
      const back = await client.subscribe(channel, { recover: true, epoch, offset: 0 });
      await client.unsubscribe(channel);
      const got = (back.publications ?? []).map(({ data }) => data);
      assert.deepEqual(got, back.recovered ? range(1, published) : []);
      assert.equal(back.offset, back.recovered ? undefined : published); // 0 is left out
      outcomes.add(back.recovered ?? false);
      return outcomes.size === 2;
    }, 'the first publication expires');
    assert.deepEqual([...outcomes], [true, false]);
    // What has expired is nothing to those that have had it.
    await publish(channel, ['newest']);
    const late = await client.subscribe(channel, { recover: true, epoch, offset: published });
    assert.deepEqual(late.publications, [{ data: 'newest', offset: published + 1 }]);
  });

  test('each_gets_everything_once', async () => {
    const channel = freshChannel('log');
    const listeners = await Promise.all(range(1, 100).map(() => openListener(server, channel)));
    await Promise.all(listeners.map(([client]) => breakAway(client)));
    await publish(channel, range(1, 20));
    const back = listeners.map(([client, sub]) => comeBack(client, sub));
    await publish(channel, range(21, 40)); // while they come
    assert.ok((await Promise.all(back)).every(({ recovered }) => recovered));
    await publish(channel, range(41, 50));
    for (const [, sub] of listeners) assert.deepEqual(await sub.heard(50), range(1, 50));
  });

  test('reads_of_the_log_collapse', async () => {
    const channel = freshChannel('log');
    const count = 100;
    await publish(channel, range(1, 20));
    const { epoch } = await api(server, 'history', { channel });
    const clients = await Promise.all(range(1, count).map(() => JsonClient.connect(server)));
    const reads = async () => {
      const scrape = await server.metrics();
      return ['store', 'shared'].map((source) =>
        scrape.value('millrace_history_reads_total', { source }),
      );
    };
    const [store, shared] = await reads();
    // The server sees all of them in its next turn.
    server.kill('SIGSTOP');
    const replies = clients.map((client) => client.subscribe(channel, { recover: true, epoch }));
    await Promise.all(clients.map(({ socket }) => socket.flushed()));
    server.kill('SIGCONT');
    for (const { recovered, publications } of await Promise.all(replies)) {
      assert.equal(recovered, true);
      assert.equal(publications.length, 20);
    }
    const [storeNow, sharedNow] = await reads();
    assert.equal(storeNow - store + sharedNow - shared, count);
    assert.ok(sharedNow - shared >= count / 2, `${sharedNow - shared} of ${count} were shared`);
  });
});
