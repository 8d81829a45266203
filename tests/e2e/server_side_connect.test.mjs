// Connecting with server-side subscriptions, as bytes: what the reply holds, what comes after it,
// and which channels a client may ask for there.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';

import { RawClient, closeClients } from './clients.mjs';
import { startServer } from './harness.mjs';
import { api, configOf, freshChannel, range } from './streams.mjs';
import { inSeconds, kSecret, tokenOf } from './tokens.mjs';
import { until } from './waiting.mjs';

const kLog = { history_size: 100_000, history_ttl: '300s', force_recovery: true };
const kTalk = { allow_publish_for_client: true };

let server;
before(async () => {
  server = await startServer({
    dev: false,
    config: configOf(
      {
        log: { ...kLog, ...kTalk },
        plain: kTalk,
        open: { allow_subscribe_for_client: true },
        users: { allow_user_limited_channels: true },
      },
      // With several cores, channels have their homes elsewhere than the connection.
      {
        workers: 4,
        client: { token: { hmac_secret_key: kSecret }, recovery_max_publication_limit: 0 },
      },
    ),
  });
});
afterEach(async () => {
  closeClients();
  await server.becomesIdle();
});
after(() => server.stop());

const publish = (channel, data) => api(server, 'publish', { channel, data });

async function connectCommand(claims, connect) {
  const token = await tokenOf({ sub: '42', exp: inSeconds(600), ...claims });
  return JSON.stringify({ id: 1, connect: { token, ...connect } });
}

async function replyTo(claims, connect) {
  const raw = await RawClient.open(server);
  raw.answer = JSON.parse(await raw.ask(await connectCommand(claims, connect)));
  return raw;
}

describe('publications while a client connects', () => {
  const kChannels = 40;
  const kClients = 12;
  const kClientsMax = 200;

  // Publishes 1, 2, … to all of the channels without a break, until it is stopped: the last number.
  async function publisherTo(channels) {
    const raw = await replyTo({ sub: 'publisher' });
    let number = 0;
    let stopped = false;
    const round = async () => {
      number += 1;
      const lines = channels.map((channel, i) =>
        JSON.stringify({ id: i + 1, publish: { channel, data: number } }),
      );
      raw.send(lines.join('\n'));
      for (const reply of await raw.messages.take(channels.length)) {
        assert.ok(JSON.parse(reply).publish, reply);
      }
    };
    const pump = async () => {
      while (!stopped) await Promise.all([round(), round()]);
    };
    const done = pump();
    await until(() => number > 4, 'it publishes');
    const stop = async () => {
      stopped = true;
      await done;
      return number;
    };
    return { stop, top: () => number };
  }

  // Reads a client's messages: the last one of each channel must be `top` in the end.
  async function follow(raw, last, top) {
    while (Object.values(last).some((number) => number < top)) {
      const { channel, pub } = JSON.parse(await raw.messages.next()).push;
      assert.equal(pub.data, last[channel] + 1, channel);
      last[channel] = pub.data;
    }
  }

  // The first message is the reply: its subscriptions.
  async function subscribed(raw, channels) {
    const first = JSON.parse(await raw.messages.next());
    assert.equal(first.id, 1, 'the reply is what comes first');
    assert.deepEqual(Object.keys(first.connect.subs).sort(), [...channels].sort());
    return first.connect.subs;
  }

  for (const recover of [false, true]) {
    const how = recover ? 'recovers' : 'comes_anew';
    test(`come_after_the_reply_and_none_is_missing_for_one_that_${how}`, async () => {
      const channels = range(1, kChannels).map(() => freshChannel('log'));
      const publisher = await publisherTo(channels);
      const clients = [];
      let positions = 0; // different ones in one reply
      // Until publications have come between the subscriptions of one connect.
      for (let i = 0; i < kClients || positions < 2; ++i) {
        assert.ok(i < kClientsMax, 'a connect is never worked on while something is published');
        const top = publisher.top();
        const subs = Object.fromEntries(channels.map((channel) => [channel, { recover: true }]));
        const raw = await RawClient.open(server);
        raw.send(await connectCommand({ channels }, recover ? { subs } : {}));
        const replied = await subscribed(raw, channels);
        const last = {};
        for (const [channel, { offset = 0, publications = [] }] of Object.entries(replied)) {
          assert.ok(recover || offset >= top - 2, 'the position is of now');
          last[channel] = offset;
          for (const each of publications) assert.equal(each.data, (last[channel] += 1));
        }
        positions = Math.max(positions, new Set(Object.values(last)).size);
        clients.push([raw, last]);
        await until(() => publisher.top() > top + 2, 'more is published');
      }
      const top = await publisher.stop();
      await Promise.all(clients.map(([raw, last]) => follow(raw, last, top)));
    });
  }

  test('come_after_the_reply_without_history_too', async () => {
    const channels = range(1, kChannels).map(() => freshChannel('plain'));
    const publisher = await publisherTo(channels);
    const clients = [];
    for (let i = 0; i < kClients; ++i) {
      const raw = await RawClient.open(server);
      raw.send(await connectCommand({ channels }));
      await subscribed(raw, channels);
      clients.push(raw);
    }
    // Rounds that begin now come to the last client as well, which has had its reply.
    const subscribedAt = publisher.top();
    await until(() => publisher.top() > subscribedAt + 2, 'more is published');
    const top = await publisher.stop();
    for (const raw of clients) {
      const last = {};
      while (channels.some((channel) => (last[channel] ?? 0) < top)) {
        const { channel, pub } = JSON.parse(await raw.messages.next()).push;
        assert.equal(pub.data, last[channel] === undefined ? pub.data : last[channel] + 1);
        last[channel] = pub.data;
      }
    }
  });
});

describe('commands behind a connect', () => {
  test('wait_until_all_of_its_subscriptions_are_there', async () => {
    const channels = range(1, 10).map(() => freshChannel('log'));
    const raw = await RawClient.open(server);
    const subscribe = { channel: freshChannel('open') };
    const lines = [
      { id: 2, subscribe },
      { id: 3, subscribe: { channel: channels[0] } },
    ];
    raw.send(
      `${await connectCommand({ channels })}\n${lines.map((l) => JSON.stringify(l)).join('\n')}`,
    );
    const [first, ...others] = (await raw.messages.take(3)).map(JSON.parse);
    assert.equal(first.id, 1);
    assert.deepEqual(others.find(({ id }) => id === 2).subscribe, {});
    assert.equal(others.find(({ id }) => id === 3).error.code, 105);
  });

  test('of_a_client_that_is_gone_leave_nothing_behind', async () => {
    const channels = range(1, 50).map(() => freshChannel('log'));
    for (let i = 0; i < 20; ++i) {
      const raw = await RawClient.open(server);
      raw.send(await connectCommand({ channels }));
      raw.socket.terminate();
    }
    await server.becomesIdle();
  });
});

describe('channels that a client asks for in its connect', () => {
  const subsOf = async (claims, ...names) => {
    const subs = Object.fromEntries(names.map((name) => [name, {}]));
    return (await replyTo(claims, { subs })).answer.connect.subs;
  };

  test('are_subscribed_to_where_it_may', async () => {
    const raw = await replyTo({ channels: ['plain:1'] }, { subs: { 'open:1': {} } });
    assert.deepEqual(raw.answer.connect.subs, { 'plain:1': {}, 'open:1': {} });
    await publish('open:1', 'hello');
    assert.equal(JSON.parse(await raw.messages.next()).push.pub.data, 'hello');
  });

  test('are_left_out_where_it_may_not', async () => {
    assert.deepEqual(await subsOf({}, 'plain:1', 'open:1', '$open:2', 'users:a#42', 'users:b#43'), {
      'open:1': {},
      'users:a#42': {},
    });
    assert.equal(await subsOf({}, 'plain:1'), undefined);
  });

  test('may_come_with_a_token', async () => {
    const channel = '$open:3';
    const token = await tokenOf({ sub: '42', channel });
    const raw = await replyTo({}, { subs: { [channel]: { token } } });
    assert.deepEqual(raw.answer.connect.subs, { [channel]: {} });
  });

  test('of_an_unknown_namespace_close_with_3501', async () => {
    const raw = await RawClient.open(server);
    raw.send(await connectCommand({}, { subs: { 'unknown:1': {} } }));
    assert.deepEqual(await raw.closed(), { code: 3501, reason: 'bad request' });
  });
});
