// Publications that wait for others, so that many leave in one write.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';

import { RawClient, closeClients, connect, subscribe } from './clients.mjs';
import { startServer } from './harness.mjs';
import { api, configOf, freshChannel, publishAll, range } from './streams.mjs';
import { until } from './waiting.mjs';

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
    // One core: what the API has answered is with the connection, and waits there.
    server = await startServer({ config: configOf({ plain: {} }, { client, workers: 1 }) });
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

test('what_is_gathered_is_sent_before_the_server_stops', async () => {
  const gathers = { batch_max_delay: kLong, batch_max_size: 1000 };
  const server = await startServer({
    config: configOf({ slow: gathers }, { workers: 2, client: { write_delay: kLong } }),
  });
  const channels = range(1, 8).map(() => freshChannel('slow'));
  const listeners = await Promise.all(channels.map((channel) => listen(server, channel)));
  for (const channel of channels) await publishAll(server, channel, [1, 2]);
  const stopped = server.stop();
  for (const raw of listeners) {
    assert.deepEqual(valuesOf(await raw.frames.next()), [1, 2]);
    assert.equal((await raw.closed()).code, 3001);
  }
  await stopped;
});

describe('a core that has more to do than it can', () => {
  const kPublishers = 8;
  const kCommands = 20_000; // of each, in one write

  test('holds_back_what_it_has_to_send_and_loses_nothing', async () => {
    const server = await startServer({ config: { workers: 1 } });
    const publishers = [];
    for (let i = 0; i < kPublishers; i += 1) {
      const raw = await RawClient.open(server);
      await raw.connect();
      publishers.push(raw);
    }
    const subscriber = await connect(server);
    const { publications } = await subscribe(subscriber, 'heard');
    const unheard = 'x'.repeat(50);
    const command = (n) => JSON.stringify({ id: n + 2, publish: { channel: 'c', data: unheard } });
    const flood = range(1, kCommands).map(command);
    const heldBack = async () => (await server.metrics()).value('millrace_turns_held_back_total');

    let sent = 0;
    await until(async () => {
      for (const raw of publishers) {
        for (let at = 0; at < kCommands; at += 500) raw.send(flood.slice(at, at + 500).join('\n'));
      }
      sent += 1;
      await api(server, 'publish', { channel: 'heard', data: sent });
      // Its reply comes when all the commands before it are done.
      for (const raw of publishers) {
        const replies = await raw.messages.take(kCommands);
        assert.equal(JSON.parse(replies.at(-1)).id, kCommands + 2);
      }
      return (await heldBack()) > 0;
    }, 'something is held back');
    const heard = await publications.take(sent);
    assert.deepEqual(
      heard.map(({ data }) => data),
      range(1, sent),
    );
    closeClients();
    await server.becomesIdle();
    await server.stop();
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
