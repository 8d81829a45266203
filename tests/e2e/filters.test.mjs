// Tags filters: a subscriber gets the publications whose tags it asks for, live and recovered.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';

import { closeSockets } from './breakable.mjs';
import { closeClients, makeClient } from './clients.mjs';
import { startServer } from './harness.mjs';
import {
  JsonClient,
  api,
  breakAway,
  comeBack,
  configOf,
  freshChannel,
  listen,
  openListener,
  publishAll,
  range,
} from './streams.mjs';

const kLog = { history_size: 100, history_ttl: '300s', force_recovery: true };
const kNamespaces = {
  tagged: { ...kLog, allow_tags_filter: true },
  nolog: { allow_tags_filter: true },
  never: kLog,
};

let server;
before(async () => (server = await startServer({ config: configOf(kNamespaces) })));
afterEach(async () => {
  closeClients();
  closeSockets();
  await server.becomesIdle();
});
after(() => server.stop());

// Published by the server API, and named by their place in this list.
const kTags = [
  {},
  { lang: 'de' },
  { lang: 'de-CH', price: '9.90' },
  { lang: 'fr', price: '10' },
  { lang: 'ελ', price: '-300' },
  { price: '3e2', lang: '' },
  { price: '12345678901234567890.1' },
];
const kEnd = { end: 'yes' };

const leaf = (cmp, key, rest) => ({ key, cmp, ...rest });
const not = (node) => ({ op: 'not', nodes: [node] });
const or = (...nodes) => ({ op: 'or', nodes });
const german = leaf('sw', 'lang', { val: 'de' });
const dear = leaf('gte', 'price', { val: '10' });

// Each filter, and which of kTags it lets through.
const kCases = [
  [leaf('eq', 'lang', { val: 'de' }), [1]],
  [leaf('eq', 'lang', { val: 'ελ' }), [4]],
  [leaf('neq', 'lang', { val: 'de' }), [0, 2, 3, 4, 5, 6]],
  [leaf('in', 'lang', { vals: ['fr', 'de'] }), [1, 3]],
  [leaf('in', 'lang', { vals: ['', 'fr'] }), [0, 3, 5, 6]],
  [leaf('nin', 'lang', { vals: ['fr', 'de'] }), [0, 2, 4, 5, 6]],
  [leaf('ex', 'lang'), [1, 2, 3, 4, 5]],
  [leaf('nex', 'lang'), [0, 6]],
  [german, [1, 2]],
  [leaf('ew', 'lang', { val: 'CH' }), [2]],
  [leaf('ct', 'lang', { val: 'e' }), [1, 2]],
  [leaf('gt', 'price', { val: '10' }), [6]],
  [dear, [3, 6]],
  [leaf('lt', 'price', { val: '10.0' }), [2, 4]],
  [leaf('lte', 'price', { val: '10.0' }), [2, 3, 4]],
  [leaf('gt', 'price', { val: '12345678901234567890' }), [6]],
  [leaf('gte', 'price', { val: '12345678901234567890.2' }), []],
  [not(leaf('ex', 'lang')), [0, 6]],
  [{ op: 'and', nodes: [german, leaf('ex', 'price')] }, [2]],
  [or(german, dear), [1, 2, 3, 6]],
  [{ op: 'and', nodes: [not(german), or(dear, leaf('nex', 'price'))] }, [0, 3, 6]],
];

// Publishes one message with each of the tags, and one that `withEnd` lets through in any case.
async function publishTagged(channel) {
  for (const [i, tags] of kTags.entries()) await publishAll(server, channel, [i], { tags });
  await publishAll(server, channel, ['end'], { tags: kEnd });
}
const withEnd = (filter) => or(leaf('ex', 'end'), filter);

for (const protocol of ['json', 'protobuf']) {
  describe(`tags filters over ${protocol}`, () => {
    const open = (channel, filter) =>
      openListener(server, channel, { protocol, options: { tagsFilter: filter } });
    const untilEnd = async (sub) => {
      const heard = [];
      for (;;) {
        const [value] = await sub.heard(1);
        if (value === 'end') return heard;
        heard.push(value);
      }
    };

    for (const namespace of ['tagged', 'nolog']) {
      test(`every_comparison_lets_through_what_it_says_in_${namespace}`, async () => {
        const channel = freshChannel(namespace);
        const listeners = await Promise.all(
          kCases.map(async ([filter]) => (await open(channel, withEnd(filter)))[1]),
        );
        await publishTagged(channel);
        for (const [i, [filter, expected]] of kCases.entries()) {
          assert.deepEqual(await untilEnd(listeners[i]), expected, JSON.stringify(filter));
        }
      });
    }

    test('what_was_missed_is_filtered_too_and_nothing_is_lost_in_between', async () => {
      const channel = freshChannel('tagged');
      const [client, sub] = await open(channel, withEnd(german));
      await publishTagged(channel);
      assert.deepEqual(await untilEnd(sub), [1, 2]);
      for (const breaks of range(1, 3)) {
        await breakAway(client);
        await publishTagged(channel);
        const back = await comeBack(client, sub);
        assert.deepEqual([back.wasRecovering, back.recovered], [true, true], `break ${breaks}`);
        await publishTagged(channel);
        assert.deepEqual([await untilEnd(sub), await untilEnd(sub)], [[1, 2], [1, 2]]);
      }
    });

    test('only_what_nobody_wants_was_missed', async () => {
      const channel = freshChannel('tagged');
      const [client, sub] = await open(channel, german);
      await breakAway(client);
      await publishAll(server, channel, range(1, 5), { tags: { lang: 'fr' } });
      const back = await comeBack(client, sub);
      assert.deepEqual([back.recovered, back.hasRecoveredPublications], [true, false]);
      await publishAll(server, channel, ['live'], { tags: { lang: 'de' } });
      assert.deepEqual(await sub.heard(1), ['live']);
    });

    test('a_filter_that_makes_no_sense_gets_107', async () => {
      const deep = range(1, 20).reduce((node) => not(node), german);
      const wide = or(...range(1, 300).map(() => german));
      for (const filter of [
        leaf('like', 'lang', { val: 'de' }),
        leaf('eq', 'lang'),
        leaf('eq', '', { val: 'de' }),
        leaf('eq', 'lang', { val: 'de', vals: ['fr'] }),
        leaf('in', 'lang', { val: 'de' }),
        leaf('ex', 'lang', { val: 'de' }),
        { op: 'and', nodes: [] },
        { op: 'not', nodes: [german, dear] },
        { op: 'xor', nodes: [german, dear] },
        deep,
        wide,
      ]) {
        const client = makeClient(server, { protocol });
        const sub = listen(client, freshChannel('tagged'), { tagsFilter: filter });
        client.connect();
        assert.equal((await sub.ends.next()).code, 107, JSON.stringify(filter));
      }
    });

    test('where_the_namespace_does_not_allow_them_107', async () => {
      const client = makeClient(server, { protocol });
      const sub = listen(client, freshChannel('never'), { tagsFilter: german });
      client.connect();
      assert.equal((await sub.ends.next()).code, 107);
    });
  });
}

describe('what was kept back', () => {
  test('is_counted', async () => {
    const count = async () =>
      (await server.metrics()).value('millrace_dropped_total', { reason: 'filtered' });
    const channel = freshChannel('tagged');
    const [, sub] = await openListener(server, channel, { options: { tagsFilter: german } });
    const before = await count();
    await publishAll(server, channel, range(1, 5), { tags: { lang: 'fr' } });
    await publishAll(server, channel, ['seen'], { tags: { lang: 'de' } });
    assert.deepEqual(await sub.heard(1), ['seen']);
    assert.equal((await count()) - before, 5);
  });

  test('moves_the_position_all_the_same', async () => {
    const channel = freshChannel('tagged');
    const client = await JsonClient.connect(server);
    const { epoch } = await client.subscribe(channel, { tf: german });
    await publishAll(server, channel, range(1, 3), { tags: { lang: 'fr' } });
    await publishAll(server, channel, [4], { tags: { lang: 'de' } });
    const { pub } = await client.pushes.next();
    assert.deepEqual([pub.data, pub.offset, pub.tags], [4, 4, { lang: 'de' }]);
    await client.unsubscribe(channel);
    const since = { recover: true, epoch, offset: 4, tf: german };
    assert.equal((await client.subscribe(channel, since)).recovered, true);
    const { offset } = await api(server, 'history', { channel });
    assert.equal(offset, 4);
  });
});
