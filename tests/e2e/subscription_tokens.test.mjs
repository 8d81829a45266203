// Subscription tokens: private channels, what a token says of a subscription, and its end.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';

import { RawClient, closeClients, connect, decode, encode, subscribe } from './clients.mjs';
import { startServer } from './harness.mjs';
import { api, configOf, freshChannel, listen } from './streams.mjs';
import { connectAs, inSeconds, kSecret, makeKey, tokenOf } from './tokens.mjs';
import { Inbox, eventOf } from './waiting.mjs';

const kOpen = {
  presence: true,
  join_leave: true,
  force_push_join_leave: true,
  allow_subscribe_for_client: true,
  allow_presence_for_subscriber: true,
  allow_publish_for_subscriber: true,
};
const kNamespaces = {
  open: kOpen,
  closed: { ...kOpen, allow_subscribe_for_client: false },
  log: { history_size: 10, history_ttl: '300s' },
};
const configWith = (client) =>
  configOf(kNamespaces, {
    client: {
      token: { hmac_secret_key: kSecret },
      expired_sub_close_delay: '1s',
      allow_anonymous_connect_without_token: true,
      ...client,
    },
  });
const kDenied = { code: 103, reason: 'permission denied' };

let server;
before(async () => (server = await startServer({ dev: false, config: configWith({}) })));
afterEach(async () => {
  closeClients();
  await server.becomesIdle();
});
after(() => server.stop());

const channelToken = (channel, claims, sign) =>
  tokenOf({ sub: '42', channel, exp: inSeconds(600), ...claims }, sign);

// How a subscribe with this token ends: its unsubscribed event.
async function endOf(client, channel, token) {
  const subscription = listen(client, channel, { token });
  const { code, reason } = await subscription.ends.next();
  client.removeSubscription(subscription);
  return { code, reason };
}

async function disconnects(channel, token) {
  const client = await connectAs(server, '42');
  const disconnected = eventOf(client, 'disconnected');
  listen(client, channel, { token });
  assert.deepEqual(await disconnected, { code: 3500, reason: 'invalid token' });
}

// A raw client with a session as this user.
async function open(user = '42') {
  const raw = await RawClient.open(server);
  const token = user && (await tokenOf({ sub: user }));
  raw.client = JSON.parse(await raw.ask({ id: 1, connect: { token } })).connect.client;
  raw.call = async (command) => JSON.parse(await raw.ask({ id: 2, ...command }));
  return raw;
}

for (const protocol of ['json', 'protobuf']) {
  describe(`a subscription token over ${protocol}`, () => {
    test('opens_a_private_channel', async () => {
      const client = await connectAs(server, '42', { protocol });
      const channel = `$${freshChannel('open')}`;
      assert.deepEqual(await endOf(client, channel, ''), kDenied);
      const subscription = listen(client, channel, { token: await channelToken(channel) });
      await subscription.replies.next();
      await api(server, 'publish', { channel, data: { secret: 1 } });
      assert.deepEqual(await subscription.heard(1), [{ secret: 1 }]);
    });

    test('opens_a_channel_that_clients_may_not_subscribe_to', async () => {
      const client = await connectAs(server, '42', { protocol });
      const channel = freshChannel('closed');
      assert.deepEqual(await endOf(client, channel, ''), kDenied);
      const getToken = ({ channel: asked }) => channelToken(asked);
      await listen(client, channel, { getToken }).replies.next();
    });

    test('tells_others_about_the_subscriber_there', async () => {
      const channel = freshChannel('open');
      const watcher = await connectAs(server, 'watcher', { protocol });
      const watching = await subscribe(watcher, channel);
      const joined = eventOf(watching, 'join', { where: ({ info }) => info.user === '42' });
      const left = eventOf(watching, 'leave');
      const member = await connectAs(server, { sub: '42', info: { name: 'Ada' } }, { protocol });
      const info = { role: 'owner' };
      const subscription = listen(member, channel, {
        token: await channelToken(channel, { info }),
      });
      await subscription.replies.next();
      await subscription.publish(encode(member, 'hello'));
      const seen = [(await joined).info, (await watching.publications.next()).info];
      seen.push((await watching.presence()).clients[member.id]);
      subscription.unsubscribe();
      seen.push((await left).info);
      for (const each of seen) {
        assert.equal(each.client, member.id);
        assert.deepEqual(decode(each.connInfo), { name: 'Ada' });
        assert.deepEqual(decode(each.chanInfo), { role: 'owner' });
      }
    });

    test('may_carry_data_for_the_subscriber', async () => {
      const channel = freshChannel('open');
      const client = await connectAs(server, '42', { protocol });
      const token = await channelToken(channel, { data: { topic: 'mills' } });
      const { data } = await listen(client, channel, { token }).replies.next();
      assert.deepEqual(decode(data), { topic: 'mills' });
    });

    test('that_has_expired_makes_the_client_get_another', async () => {
      const channel = freshChannel('closed');
      const client = await connectAs(server, '42', { protocol });
      const options = {
        token: await channelToken(channel, { exp: inSeconds(-1) }),
        getToken: () => channelToken(channel),
        minResubscribeDelay: 1,
        maxResubscribeDelay: 10,
      };
      const subscription = client.newSubscription(channel, options);
      const failed = eventOf(subscription, 'error');
      const subscribed = eventOf(subscription, 'subscribed');
      subscription.subscribe();
      assert.equal((await failed).error.code, 109);
      await subscribed;
    });

    test('is_refreshed_in_band_before_the_subscription_ends', async () => {
      const channel = freshChannel('closed');
      const client = await connectAs(server, '42', { protocol });
      const refreshed = new Inbox('a token is asked for');
      const getToken = () => {
        refreshed.push(channel);
        return channelToken(channel, { exp: inSeconds(2) });
      };
      const subscription = listen(client, channel, { getToken });
      const states = [];
      subscription.on('state', ({ newState }) => states.push(newState));
      await refreshed.take(4);
      await api(server, 'publish', { channel, data: 'still here' });
      assert.deepEqual(await subscription.heard(1), ['still here']);
      assert.deepEqual(states, ['subscribed']);
    });

    test('ends_its_subscription_which_comes_again_with_a_new_one', async () => {
      const channel = freshChannel('closed');
      const client = await connectAs(server, '42', { protocol });
      const tokens = [channelToken(channel, { exp: inSeconds(2) }), null, channelToken(channel)];
      const getToken = () => tokens.shift() ?? Promise.reject(new Error('the backend is away'));
      const subscription = listen(client, channel, { getToken });
      await subscription.replies.next();
      const ended = eventOf(subscription, 'subscribing');
      assert.deepEqual(await ended, { channel, code: 2501, reason: 'subscription expired' });
      await subscription.replies.next();
      assert.equal(client.state, 'connected');
    });
  });
}

describe('a token that does not fit', () => {
  test('is_one_that_nobody_signed_and_gets_103', async () => {
    const client = await connectAs(server, '42');
    const channel = freshChannel('closed');
    const sign = { key: 'another secret' };
    for (const token of [
      'x',
      await channelToken(channel, {}, sign),
      await channelToken(channel, {}, await makeKey('ES256')),
      await tokenOf({ sub: '42' }),
    ]) {
      assert.deepEqual(await endOf(client, channel, token), kDenied);
    }
    assert.equal(client.state, 'connected');
  });

  test('is_refused_where_none_is_needed_too', async () => {
    const client = await connectAs(server, '42');
    assert.deepEqual(await endOf(client, freshChannel('open'), 'x'), kDenied);
  });

  test('is_for_another_channel_user_or_client_and_closes_with_3500', async () => {
    const channel = `$${freshChannel('open')}`;
    await disconnects(channel, await channelToken(`${channel}1`));
    await disconnects(channel, await channelToken(channel.slice(1)));
    await disconnects(channel, await channelToken(channel, { sub: '43' }));
    await disconnects(channel, await channelToken(channel, { sub: undefined }));
    await disconnects(channel, await channelToken(channel, { client: 'another' }));
  });

  test('may_name_its_client', async () => {
    const client = await connectAs(server, '42');
    const channel = freshChannel('closed');
    const token = await channelToken(channel, { client: client.id });
    await listen(client, channel, { token }).replies.next();
  });

  test('does_not_make_a_channel_of_an_unknown_namespace', async () => {
    const client = await connectAs(server, '42');
    const end = await endOf(client, 'unknown:1', await channelToken('unknown:1'));
    assert.deepEqual(end, { code: 102, reason: 'unknown channel' });
  });
});

test('anonymous_clients_have_tokens_without_a_user', async () => {
  const channel = freshChannel('closed');
  const token = await channelToken(channel, { sub: undefined });
  await listen(await connect(server), channel, { token }).replies.next();
});

describe('sub_refresh', () => {
  const subscribed = async (claims = {}) => {
    const raw = await open();
    raw.channel = freshChannel('closed');
    const token = await channelToken(raw.channel, claims);
    raw.reply = (await raw.call({ subscribe: { channel: raw.channel, token } })).subscribe;
    await raw.messages.next(); // its own join
    raw.refresh = (other) => raw.call({ sub_refresh: { channel: raw.channel, token: other } });
    return raw;
  };
  const closes = async (raw, token, code, reason) => {
    const sub_refresh = { channel: raw.channel, token };
    raw.send(JSON.stringify({ id: 2, sub_refresh }));
    assert.deepEqual(await raw.closed(), { code, reason });
  };

  test('tells_the_new_end', async () => {
    const raw = await subscribed();
    assert.equal(raw.reply.expires, true);
    assert.ok(raw.reply.ttl > 590 && raw.reply.ttl <= 600);
    const { sub_refresh } = await raw.refresh(
      await channelToken(raw.channel, { exp: inSeconds(90) }),
    );
    assert.equal(sub_refresh.expires, true);
    assert.ok(sub_refresh.ttl > 80 && sub_refresh.ttl <= 90);
    const forever = await channelToken(raw.channel, { expire_at: 0 });
    assert.deepEqual(await raw.refresh(forever), { id: 2, sub_refresh: {} });
  });

  test('is_for_subscribers_only', async () => {
    const raw = await open();
    const channel = freshChannel('closed');
    const token = await channelToken(channel);
    const { error } = await raw.call({ sub_refresh: { channel, token } });
    assert.equal(error.code, 103);
    const { error: unsaid } = await (await subscribed()).refresh('');
    assert.equal(unsaid.code, 107);
  });

  test('with_a_wrong_token_is_closed_with_3500', async () => {
    for (const claims of [{ sub: '43' }, { channel: 'closed:other' }, { client: 'another' }]) {
      const raw = await subscribed();
      await closes(raw, await channelToken(raw.channel, claims), 3500, 'invalid token');
    }
    await closes(await subscribed(), 'x', 3500, 'invalid token');
  });

  test('with_an_expired_token_is_closed_with_3006', async () => {
    const raw = await subscribed();
    const token = await channelToken(raw.channel, { exp: inSeconds(-1) });
    await closes(raw, token, 3006, 'subscription expired');
  });

  test('not_made_in_time_ends_the_subscription_with_a_push', async () => {
    const raw = await subscribed({ exp: inSeconds(2) });
    const expired = { code: 2501, reason: 'subscription expired' };
    const pushes = (await raw.messages.take(1)).map(JSON.parse);
    assert.deepEqual(pushes, [{ push: { channel: raw.channel, unsubscribe: expired } }]);
    assert.deepEqual(await raw.call({ presence: { channel: raw.channel } }), {
      id: 2,
      error: { code: 103, message: 'permission denied' },
    });
  });
});

describe('what a token overrides', () => {
  test('is_for_its_subscription_only', async () => {
    const channel = freshChannel('log');
    const override = { force_recovery: { value: true } };
    const raw = await open();
    const token = await channelToken(channel, { override });
    const { subscribe: reply } = await raw.call({ subscribe: { channel, token } });
    assert.deepEqual([reply.recoverable, reply.positioned], [true, true]);
    const other = await open();
    const plain = await channelToken(channel);
    const { subscribe: unforced } = await other.call({ subscribe: { channel, token: plain } });
    assert.deepEqual([unforced.recoverable, unforced.positioned], [undefined, undefined]);
  });
});
