// The history command: pages of a channel's log, its position, and who may ask.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';

import { closeSockets } from './breakable.mjs';
import { closeClients, connect, decode } from './clients.mjs';
import { startServer } from './harness.mjs';
import { JsonClient, api, configOf, freshChannel, publishAll, range } from './streams.mjs';
import { until } from './waiting.mjs';

const kLog = { history_size: 100, history_ttl: '300s' };
const kOpen = { allow_subscribe_for_client: true, allow_subscribe_for_anonymous: true };
const kNamespaces = {
  log: { ...kLog, ...kOpen, allow_history_for_client: true, allow_history_for_anonymous: true },
  subscribers: {
    ...kLog,
    ...kOpen,
    allow_history_for_subscriber: true,
    allow_history_for_anonymous: true,
  },
  users: { ...kLog, ...kOpen, allow_history_for_client: true },
  small: { ...kLog, ...kOpen, history_size: 3, allow_history_for_client: true },
  brief: { ...kLog, ...kOpen, history_ttl: '1s' },
  plain: kOpen,
};
const kLimit = 20;

let server;
before(async () => {
  server = await startServer({
    dev: false,
    config: configOf(kNamespaces, {
      client: {
        allow_anonymous_connect_without_token: true,
        history_max_publication_limit: kLimit,
      },
    }),
  });
});
afterEach(async () => {
  closeClients();
  closeSockets();
  await server.becomesIdle();
});
after(() => server.stop());

const publish = (channel, values, options) => publishAll(server, channel, values, options);
const codeOf = (promise) =>
  promise.then(
    () => assert.fail('it was answered'),
    ({ code }) => code,
  );

for (const protocol of ['json', 'protobuf']) {
  describe(`the history command over ${protocol}`, () => {
    const open = () => connect(server, { protocol });
    const numbers = async (client, channel, options) =>
      (await client.history(channel, options)).publications.map(({ data }) => decode(data));

    test('pages_begin_after_a_position_or_before_it_in_reverse', async () => {
      const channel = freshChannel('log');
      await publish(channel, range(1, 9));
      const client = await open();
      const { epoch, offset } = await client.history(channel);
      assert.equal(offset, 9);
      const since = (at) => ({ since: { offset: at, epoch } });
      for (const [options, expected] of [
        [{ limit: 3 }, [1, 2, 3]],
        [{ limit: -1 }, range(1, 9)],
        [{ limit: 3, ...since(0) }, [1, 2, 3]],
        [{ limit: 3, ...since(4) }, [5, 6, 7]],
        [{ limit: 3, ...since(8) }, [9]],
        [{ limit: 3, ...since(9) }, []],
        [{ limit: 2, reverse: true }, [9, 8]],
        [{ limit: 2, reverse: true, ...since(5) }, [4, 3]],
        [{ limit: 2, reverse: true, ...since(1) }, []],
      ]) {
        const got = await numbers(client, channel, options);
        assert.deepEqual(got, expected, JSON.stringify(options));
      }
    });

    test('paging_on_from_the_last_offset_walks_the_whole_log', async () => {
      const channel = freshChannel('log');
      await publish(channel, range(1, 50));
      const client = await open();
      const seen = [];
      let since;
      for (;;) {
        const page = await client.history(channel, { limit: 7, since });
        if (page.publications.length === 0) break;
        seen.push(...page.publications.map(({ data }) => decode(data)));
        since = { epoch: page.epoch, offset: page.publications.at(-1).offset };
      }
      assert.deepEqual(seen, range(1, 50));
    });

    test('without_a_limit_only_the_position_comes', async () => {
      const channel = freshChannel('log');
      await publish(channel, range(1, 4));
      const { publications, offset } = await (await open()).history(channel);
      assert.deepEqual([publications, offset], [[], 4]);
    });

    test('a_page_is_no_longer_than_the_limit_of_the_configuration', async () => {
      const channel = freshChannel('log');
      await publish(channel, range(1, kLimit + 5));
      const client = await open();
      for (const limit of [-1, kLimit + 3, 1_000_000]) {
        assert.deepEqual(await numbers(client, channel, { limit }), range(1, kLimit));
      }
    });

    test('publications_carry_offset_tags_and_publisher', async () => {
      const channel = freshChannel('log');
      await publish(channel, [{ text: 'Grüße, 🌍' }], { tags: { kind: 'a', lang: 'de' } });
      const { publications } = await (await open()).history(channel, { limit: 1 });
      const [{ data, offset, tags }] = publications;
      assert.deepEqual(decode(data), { text: 'Grüße, 🌍' });
      assert.equal(offset, 1);
      assert.deepEqual({ ...tags }, { kind: 'a', lang: 'de' });
    });

    test('another_epoch_gets_112', async () => {
      const channel = freshChannel('log');
      await publish(channel, [1]);
      const since = { offset: 0, epoch: 'another' };
      const client = await open();
      assert.equal(await codeOf(client.history(channel, { limit: 1, since })), 112);
    });

    test('what_is_before_the_first_gets_107', async () => {
      const channel = freshChannel('log');
      const client = await open();
      const since = { offset: 0, epoch: '' };
      assert.equal(await codeOf(client.history(channel, { limit: 1, since, reverse: true })), 107);
    });

    test('a_channel_without_history_gets_108_and_an_unknown_namespace_102', async () => {
      const client = await open();
      assert.equal(await codeOf(client.history(freshChannel('plain'), { limit: 1 })), 108);
      assert.equal(await codeOf(client.history(freshChannel('nosuch'), { limit: 1 })), 102);
    });

    test('who_may_not_see_history_gets_103', async () => {
      const client = await open();
      assert.equal(await codeOf(client.history(freshChannel('users'), { limit: 1 })), 103);
      const channel = freshChannel('subscribers');
      await publish(channel, [1]);
      assert.equal(await codeOf(client.history(channel, { limit: 1 })), 103);
      const subscription = client.newSubscription(channel);
      subscription.subscribe();
      await subscription.ready();
      const { publications } = await subscription.history({ limit: 1 });
      assert.equal(decode(publications[0].data), 1);
    });
  });
}

describe('what a log keeps', () => {
  const logOf = async (channel) => {
    const { publications, epoch, offset } = await api(server, 'history', { channel, limit: 1000 });
    return { values: publications.map(({ data }) => data), epoch, offset };
  };

  test('the_newest_of_its_size', async () => {
    const channel = freshChannel('small');
    await publish(channel, range(1, 8));
    const { values, offset } = await logOf(channel);
    assert.deepEqual([values, offset], [[6, 7, 8], 8]);
  });

  test('nothing_beyond_its_ttl_but_the_position', async () => {
    const channel = freshChannel('brief');
    const [{ epoch }] = await publish(channel, [1]);
    const gone = await until(async () => {
      const log = await logOf(channel);
      return log.values.length === 0 && log;
    }, 'the publication expires');
    assert.deepEqual(gone, { values: [], epoch, offset: 1 });
    assert.deepEqual(await publish(channel, [2]), [{ epoch, offset: 2 }]);
  });

  test('nothing_after_history_remove_but_the_position', async () => {
    const channel = freshChannel('log');
    const [{ epoch }] = await publish(channel, [1]);
    await api(server, 'history_remove', { channel });
    assert.deepEqual(await logOf(channel), { values: [], epoch, offset: 1 });
  });

  test('nothing_that_was_published_with_skip_history', async () => {
    const channel = freshChannel('log');
    const client = await JsonClient.connect(server);
    await client.subscribe(channel);
    await publish(channel, [1]);
    assert.deepEqual(await publish(channel, ['passing'], { skip_history: true }), [{}]);
    await publish(channel, [2]);
    const pushed = (await client.pushes.take(3)).map(({ pub }) => pub);
    assert.deepEqual(
      pushed.map(({ data, offset }) => [data, offset]),
      [[1, 1], ['passing', undefined], [2, 2]],
    );
    assert.deepEqual((await logOf(channel)).values, [1, 2]);
  });
});
