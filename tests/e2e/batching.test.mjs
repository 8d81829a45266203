// Publications that wait for others, so that many leave in one write.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';

import { RawClient, closeClients, connect, subscribe } from './clients.mjs';
import { startServer } from './harness.mjs';
import { api, configOf, freshChannel, publishAll, range } from './streams.mjs';

const kLong = '10s'; // longer than a test takes

// A WebSocket that is subscribed to the channel: its frames from then on are in `frames`.
async function listen(server, channel) {
  const raw = await RawClient.open(server);
  await raw.connect();
  await raw.ask({ id: 2, subscribe: { channel } });
  raw.frames.items.length = 0;
  return raw;
}

const valuesOf = (frame) => frame.split('\n').map((line) => JSON.parse(line).push.pub.data);

describe('a namespace that gathers', () => {
  let server;
  before(async () => {
    const gathers = (delay, size) => ({ batch_max_delay: delay, batch_max_size: size });
    server = await startServer({
      config: configOf({
        short: gathers('50ms', 100),
        full: gathers(kLong, 3),
        log: { ...gathers('20ms', 10), history_size: 100, history_ttl: '60s', force_recovery: true },
      }),
    });
  });
  afterEach(async () => {
    closeClients();
    await server.becomesIdle();
  });
  after(() => server.stop());

  test('sends_what_came_within_the_delay_as_one_frame', async () => {
    const channel = freshChannel('short');
    const raw = await listen(server, channel);
    const publishes = range(1, 5).map((data) => ({ publish: { channel, data } }));
    await api(server, 'batch', { commands: publishes }).catch(() => {});
    assert.deepEqual(valuesOf(await raw.frames.next()), range(1, 5));
  });

  test('sends_a_full_batch_at_once', async () => {
    const channel = freshChannel('full');
    const raw = await listen(server, channel);
    await publishAll(server, channel, range(1, 4));
    assert.deepEqual(valuesOf(await raw.frames.next()), range(1, 3));
    await publishAll(server, channel, range(5, 6));
    assert.deepEqual(valuesOf(await raw.frames.next()), range(4, 6));
  });

  test('keeps_the_order_and_the_offsets_of_a_log', async () => {
    const channel = freshChannel('log');
    const client = await connect(server);
    const subscription = await subscribe(client, channel);
    await publishAll(server, channel, range(1, 37));
    const heard = await subscription.publications.take(37);
    assert.deepEqual(
      heard.map(({ data, offset }) => [data, offset]),
      range(1, 37).map((n) => [n, n]),
    );
  });
});

describe('a connection that gathers', () => {
  let server;
  before(async () => {
    const client = { write_delay: kLong, batch_max_size: 4 };
    server = await startServer({ config: configOf({ plain: {} }, { client }) });
  });
  afterEach(async () => {
    closeClients();
    await server.becomesIdle();
  });
  after(() => server.stop());

  const writes = async () => (await server.metrics()).value('millrace_flush_messages_count');

  test('writes_so_many_publications_at_once_also_of_different_channels', async () => {
    const channels = [freshChannel('plain'), freshChannel('plain')];
    const raw = await listen(server, channels[0]);
    await raw.ask({ id: 3, subscribe: { channel: channels[1] } });
    raw.frames.items.length = 0;
    const before = await writes();
    for (const n of range(1, 4)) await publishAll(server, channels[n % 2], [n]);
    const values = [];
    while (values.length < 4) values.push(...valuesOf(await raw.frames.next()));
    assert.deepEqual(values, range(1, 4));
    assert.equal((await writes()) - before, 1);
  });

  test('does_not_let_replies_wait_and_sends_along_what_does_in_its_order', async () => {
    const channel = freshChannel('plain');
    const raw = await listen(server, channel);
    await publishAll(server, channel, [1]);
    assert.equal(raw.frames.items.length, 0);
    raw.send(JSON.stringify({ id: 9, presence_stats: { channel } }));
    assert.deepEqual(valuesOf(await raw.frames.next()), [1]);
    assert.equal(JSON.parse(await raw.frames.next()).id, 9);
  });

  test('sends_what_waits_before_it_closes', async () => {
    const channel = freshChannel('plain');
    const raw = await listen(server, channel);
    await publishAll(server, channel, [1]);
    raw.send('{}'); // a pong that nobody asked for
    assert.deepEqual(valuesOf(await raw.frames.next()), [1]);
    assert.equal((await raw.closed()).code, 3501);
  });
});

test('a_write_delay_that_is_over_sends_what_there_is', async () => {
  const server = await startServer({
    config: configOf({ plain: {} }, { client: { write_delay: '30ms' } }),
  });
  const channel = freshChannel('plain');
  const raw = await listen(server, channel);
  for (const n of range(1, 3)) {
    await publishAll(server, channel, [n]);
    assert.deepEqual(valuesOf(await raw.frames.next()), [n]);
  }
  closeClients();
  await server.becomesIdle();
  await server.stop();
});
