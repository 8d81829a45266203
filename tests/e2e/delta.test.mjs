// Deltas: publications that are like the one before travel as what has changed, and arrive whole.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';

import { closeSockets } from './breakable.mjs';
import { closeClients } from './clients.mjs';
import { applyDelta } from './fossil.mjs';
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

const kLog = { history_size: 200, history_ttl: '300s', force_recovery: true };
const kFossil = { allowed_delta_types: ['fossil'] };
const kNamespaces = {
  docs: { ...kLog, ...kFossil, delta_publish: true },
  asked: { ...kLog, ...kFossil },
  cache: { ...kLog, ...kFossil, delta_publish: true, force_recovery_mode: 'cache' },
  tagged: { ...kLog, ...kFossil, delta_publish: true, allow_tags_filter: true },
  nolog: { ...kFossil, delta_publish: true },
  never: { ...kLog, delta_publish: true },
};
const kDelta = { delta: 'fossil' };

let server;
before(async () => (server = await startServer({ config: configOf(kNamespaces) })));
afterEach(async () => {
  closeClients();
  closeSockets();
  await server.becomesIdle();
});
after(() => server.stop());

const publish = (channel, values, options) => publishAll(server, channel, values, options);

const kCities = ['Αθήνα', 'Zürich', 'Київ', '東京', 'São Paulo', 'ﺎﻠﻗﺎﻫﺭﺓ', 'Łódź', 'emoji 🌍🚀'];

// Edition `n` of a document: most of it stays, and letters of several bytes change and move.
function edition(n) {
  return {
    title: `Погода — édition ${n}`,
    stations: kCities.map((city, i) => ({
      city,
      temperature: ((n * (i + 3)) % 40) - 10,
      wind: `${'→↗↑↖←↙↓↘'[(n + i) % 8]} ${(n * i) % 30} м/с`,
      note: 'Die Messung ist vorläufig und wird später geprüft.',
    })),
    newest: kCities[n % kCities.length].repeat(1 + (n % 3)),
  };
}
const editions = (first, last) => range(first, last).map(edition);

for (const protocol of ['json', 'protobuf']) {
  describe(`deltas over ${protocol}`, () => {
    const open = (channel, options = kDelta) =>
      openListener(server, channel, { protocol, options });

    test('similar_documents_arrive_equal_and_in_far_fewer_bytes', async (t) => {
      const channel = freshChannel('docs');
      const listeners = [await open(channel), await open(channel, {})];
      const before = listeners.map(([client]) => client.socket().bytesReceived);
      await publish(channel, editions(1, 100));
      for (const [, sub] of listeners) assert.deepEqual(await sub.heard(100), editions(1, 100));
      const [delta, full] = listeners.map(
        ([client], i) => client.socket().bytesReceived - before[i],
      );
      const saved = Math.round(100 * (1 - delta / full));
      t.diagnostic(`${protocol}: ${full} bytes in full, ${delta} as deltas: ${saved} % saved`);
      assert.ok(delta < full / 2, `${delta} of ${full} bytes`);
    });

    test('they_arrive_equal_through_every_break_of_the_connection', async () => {
      const channel = freshChannel('docs');
      const [client, sub] = await open(channel);
      for (const first of range(0, 9).map((i) => i * 6)) {
        await publish(channel, editions(first, first + 2));
        await breakAway(client);
        await publish(channel, editions(first + 3, first + 4));
        assert.equal((await comeBack(client, sub)).recovered, true);
        await publish(channel, [edition(first + 5)]);
      }
      assert.deepEqual(await sub.heard(60), editions(0, 59));
    });

    test('they_arrive_equal_when_nothing_was_missed', async () => {
      const channel = freshChannel('docs');
      const [client, sub] = await open(channel);
      await publish(channel, editions(1, 2));
      assert.deepEqual(await sub.heard(2), editions(1, 2));
      await breakAway(client);
      const back = await comeBack(client, sub);
      assert.deepEqual([back.recovered, back.hasRecoveredPublications], [true, false]);
      await publish(channel, editions(3, 5));
      assert.deepEqual(await sub.heard(3), editions(3, 5));
    });

    test('they_arrive_equal_after_a_recovery_that_failed', async () => {
      const channel = freshChannel('docs');
      const [client, sub] = await open(channel);
      await publish(channel, editions(1, 2));
      assert.deepEqual(await sub.heard(2), editions(1, 2));
      await breakAway(client);
      await publish(channel, editions(3, 5));
      await api(server, 'history_remove', { channel });
      assert.equal((await comeBack(client, sub)).recovered, false);
      await publish(channel, editions(6, 8));
      assert.deepEqual(await sub.heard(3), editions(6, 8));
    });

    test('they_arrive_equal_in_cache_mode', async () => {
      const channel = freshChannel('cache');
      const [client, sub] = await open(channel);
      await publish(channel, editions(1, 2));
      assert.deepEqual(await sub.heard(2), editions(1, 2));
      await breakAway(client);
      await publish(channel, editions(3, 6));
      await comeBack(client, sub);
      await publish(channel, editions(7, 8));
      assert.deepEqual(await sub.heard(3), editions(6, 8));
    });

    test('they_arrive_equal_in_a_channel_without_history', async () => {
      const channel = freshChannel('nolog');
      const [client, sub] = await open(channel);
      await publish(channel, editions(1, 3));
      assert.deepEqual(await sub.heard(3), editions(1, 3));
      await breakAway(client);
      await publish(channel, editions(4, 5));
      await comeBack(client, sub);
      await publish(channel, editions(6, 8));
      assert.deepEqual(await sub.heard(3), editions(6, 8));
    });

    test('documents_that_have_nothing_in_common_arrive_equal', async () => {
      const channel = freshChannel('docs');
      const long = ['x'.repeat(3000), 'я'.repeat(3000)];
      const values = ['', 'ä', 1, null, [], {}, ...long, edition(1), true];
      const [, sub] = await open(channel);
      await publish(channel, values);
      assert.deepEqual(await sub.heard(values.length), values);
    });

    test('where_the_namespace_does_not_allow_them_everything_comes_in_full', async () => {
      const channel = freshChannel('never');
      const [, sub] = await open(channel);
      await publish(channel, editions(1, 3));
      assert.deepEqual(await sub.heard(3), editions(1, 3));
    });
  });
}

// A subscriber that puts its documents together itself: what it is sent, and what that makes.
class Reader {
  static async open(channel, options = {}) {
    const reader = new Reader();
    reader.client = await JsonClient.connect(server);
    reader.result = await reader.client.subscribe(channel, { ...kDelta, ...options });
    reader.recovered = (reader.result.publications ?? []).map((pub) => reader.read(pub));
    return reader;
  }

  read({ data, delta = false }) {
    assert.equal(typeof data, 'string');
    const bytes = Buffer.from(data);
    this.text = delta ? applyDelta(this.text, bytes) : bytes;
    assert.ok(bytes.length <= this.text.length, 'a delta is larger than what it stands for');
    return { delta, bytes: bytes.length, value: JSON.parse(this.text.toString()) };
  }

  async take(count) {
    return (await this.client.pushes.take(count)).map(({ pub }) => this.read(pub));
  }
}
const deltasOf = (reads) => reads.map(({ delta }) => delta);
const valuesOf = (reads) => reads.map(({ value }) => value);

describe('what is sent as a delta', () => {
  test('all_but_the_first', async () => {
    const channel = freshChannel('docs');
    await publish(channel, [edition(1)]); // before it came
    const reader = await Reader.open(channel);
    assert.equal(reader.result.delta, true);
    await publish(channel, editions(2, 5));
    const reads = await reader.take(4);
    assert.deepEqual(deltasOf(reads), [false, true, true, true]);
    assert.deepEqual(valuesOf(reads), editions(2, 5));
    // Another's first one is full, too; this one's goes on.
    const late = await Reader.open(channel);
    await publish(channel, [edition(6)]);
    assert.deepEqual(deltasOf(await late.take(1)), [false]);
    assert.deepEqual(deltasOf(await reader.take(1)), [true]);
  });

  test('nothing_that_would_not_be_smaller', async () => {
    const channel = freshChannel('docs');
    const reader = await Reader.open(channel);
    const values = ['a', 'b', 'x'.repeat(900), 'y'.repeat(900), `${'y'.repeat(900)}.`, 7, 77];
    await publish(channel, values);
    const reads = await reader.take(values.length);
    assert.deepEqual(valuesOf(reads), values);
    assert.deepEqual(deltasOf(reads), [false, false, false, false, true, false, false]);
  });

  test('after_a_recovery_the_first_comes_in_full_and_live_goes_on_with_deltas', async () => {
    const channel = freshChannel('docs');
    await publish(channel, editions(1, 4));
    const { epoch } = await api(server, 'history', { channel });
    const reader = await Reader.open(channel, { recover: true, epoch, offset: 2 });
    assert.equal(reader.recovered[0].delta, false);
    assert.deepEqual(valuesOf(reader.recovered), editions(3, 4));
    await publish(channel, editions(5, 6));
    const live = await reader.take(2);
    assert.deepEqual(valuesOf(live), editions(5, 6));
    assert.equal(live[1].delta, true);
  });

  test('after_a_recovery_without_publications_the_next_is_full', async () => {
    const channel = freshChannel('docs');
    const witness = await Reader.open(channel);
    await publish(channel, editions(1, 4));
    const { epoch } = await api(server, 'history', { channel });
    const reader = await Reader.open(channel, { recover: true, epoch, offset: 4 });
    assert.deepEqual([reader.result.recovered, reader.recovered], [true, []]);
    await publish(channel, editions(5, 6));
    assert.deepEqual(deltasOf(await reader.take(2)), [false, true]);
    assert.deepEqual(deltasOf(await witness.take(6)), [false, true, true, true, true, true]);
  });

  test('only_what_is_published_so', async () => {
    const channel = freshChannel('asked');
    const reader = await Reader.open(channel);
    await publish(channel, editions(1, 2));
    await publish(channel, editions(3, 4), { delta: true });
    await publish(channel, [edition(5)]);
    const reads = await reader.take(5);
    assert.deepEqual(deltasOf(reads), [false, false, true, true, false]);
    assert.deepEqual(valuesOf(reads), editions(1, 5));
  });

  test('nothing_where_it_is_not_allowed', async () => {
    const channel = freshChannel('never');
    const client = await JsonClient.connect(server);
    assert.equal('delta' in (await client.subscribe(channel, kDelta)), false);
    await publish(channel, editions(1, 2));
    const pushed = (await client.pushes.take(2)).map(({ pub }) => pub);
    assert.deepEqual(pushed, [
      { data: edition(1), offset: 1 },
      { data: edition(2), offset: 2 },
    ]);
  });

  test('nothing_whose_base_the_subscribers_filter_kept_back', async () => {
    const channel = freshChannel('tagged');
    const tf = { key: 'lang', cmp: 'eq', val: 'de' };
    const say = (n, lang) => publish(channel, [edition(n)], { tags: { lang } });
    const reader = await Reader.open(channel, { tf });
    assert.equal(reader.result.delta, true);
    const languages = ['de', 'de', 'fr', 'de', 'de', 'fr', 'fr', 'de', 'de'];
    for (const [i, lang] of languages.entries()) await say(i + 1, lang);
    const reads = await reader.take(6);
    assert.deepEqual(valuesOf(reads), [1, 2, 4, 5, 8, 9].map(edition));
    assert.deepEqual(deltasOf(reads), [false, true, false, true, false, true]);
    // And when it comes back.
    const { epoch } = reader.result;
    const back = await Reader.open(channel, { tf, recover: true, epoch, offset: 2 });
    assert.deepEqual(valuesOf(back.recovered), [4, 5, 8, 9].map(edition));
    await say(10, 'fr');
    await say(11, 'de');
    assert.deepEqual(valuesOf(await back.take(1)), [edition(11)]);
  });
});
