// As many connections as one process may have by a usual limit of 20,000 open files: all of them
// get in, are told everything once, cost little memory, and leave nothing behind.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { runBinary, startBinary, startServer } from './harness.mjs';
import { api, configOf } from './streams.mjs';
import { until, withDeadline } from './waiting.mjs';

const kOpenFiles = 20_000;
const kConnections = 19_500; // the rest is for the server's own files and its reserve
const kChannel = 'crowd';
const kBytesEach = 700;
const kLeakEach = 24; // bytes; any object that each of them left behind would be more
const kWithin = 60_000; // ms

// For the generator: two addresses, since one has not many more ports than are needed.
const kGenerator = ['--quiet', '--json', '-', '--channel', kChannel, '--recoverable', '--source-addresses', 2];

// What the generator says of a run in which nobody was shut out or cut off.
function resultOf({ stdout, stderr }) {
  const result = JSON.parse(stdout);
  for (const name of ['failed_connections', 'disconnects', 'refused']) {
    assert.equal(result[name], 0, stderr);
  }
  return result;
}

describe(`${kConnections} connections`, () => {
  let server;
  let at;
  before(async () => {
    const history = { history_size: 100, history_ttl: '300s', allow_recovery: true };
    server = await startServer({
      openFiles: kOpenFiles,
      config: configOf({}, { workers: 1, channel: { without_namespace: history } }),
    });
    at = ['--url', server.wsUrl, '--server-pid', server.pid];
  });
  after(() => server.stop());

  const resident = async () => (await server.metrics()).value('process_resident_memory_bytes');

  // Holds the connections, all in one channel, while `use` runs, and returns what it does.
  async function held(use) {
    const idle = ['bench', 'idle', ...at, ...kGenerator, '--channels', 1, '--duration', 600];
    const { child, ended } = startBinary([...idle, '--connections', kConnections].map(String));
    let over = false;
    ended.then(() => (over = true));
    const connected = async () => {
      assert.ok(!over, 'the generator ended before all were connected');
      return (await server.metrics()).value('millrace_subscriptions') === kConnections;
    };
    await until(connected, 'all are connected and subscribed', kWithin);
    const result = await use();
    child.kill('SIGINT');
    const run = await withDeadline(ended, 'the end of the generator', kWithin);
    assert.equal(resultOf(run).joined, kConnections);
    await server.becomesIdle(kWithin);
    return result;
  }

  test('all_get_in_and_each_costs_little_memory', async () => {
    const before = await resident();
    const after = await held(async () => {
      const scrape = await server.metrics();
      assert.equal(scrape.value('millrace_connections'), kConnections);
      assert.equal(scrape.value('millrace_channels'), 1);
      assert.ok(scrape.value('process_open_fds') > kConnections);
      assert.equal(scrape.value('millrace_handshakes_total', { outcome: 'limit' }), 0);
      return resident();
    });
    const each = (after - before) / kConnections;
    assert.ok(each > 0 && each <= kBytesEach, `${each} bytes of memory for each`);
  });

  test('a_publication_of_the_api_goes_to_every_one_of_them_once', () =>
    held(async () => {
      const counted = async () => {
        const scrape = await server.metrics();
        return {
          deliveries: scrape.value('millrace_deliveries_total'),
          sent: scrape.value('websocket_messages_total', { direction: 'outbound' }),
        };
      };
      const begun = await counted();
      await api(server, 'publish', { channel: kChannel, data: { hello: 'all' } });
      const all = async () => (await counted()).sent - begun.sent >= kConnections;
      await until(all, 'all have it', kWithin);
      const { deliveries } = await counted();
      assert.equal(deliveries - begun.deliveries, kConnections);
    }));

  // What the server's memory was when the same number was there before.
  let earlier;

  test('every_message_of_a_client_reaches_each_of_them_once_and_in_order', async () => {
    const flow = ['--subscribers', kConnections, '--window', 1, '--warmup', 0.1, '--duration', 1];
    const words = ['bench', 'fanout', ...at, ...kGenerator, ...flow].map(String);
    const run = await runBinary(words, {}, kWithin);
    assert.equal(run.code, 0, run.stderr);
    const result = resultOf(run);
    assert.equal(result.joined, kConnections + 1);
    assert.ok(result.published > 0);
    for (const name of ['lost', 'duplicated', 'out_of_order']) assert.equal(result[name], 0);
    await server.becomesIdle(kWithin);
    earlier = result.server.rss_after_bytes;
  });

  // The allocator needs a few such crowds until its free memory fits: the first ones say nothing.
  test('those_who_come_after_them_find_the_memory_that_they_left', async () => {
    const more = ((await held(resident)) - earlier) / kConnections;
    assert.ok(more <= kLeakEach, `${more} bytes of memory more for each`);
  });
});
