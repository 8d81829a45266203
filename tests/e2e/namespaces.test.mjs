// What the options of a namespace mean, case by case: subscribing, publishing, history, positions
// and recovery, joins and leaves, and the names of channels.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';

import { closeSockets } from './breakable.mjs';
import { startServer } from './harness.mjs';
import { JsonClient, api, configOf, freshChannel } from './streams.mjs';
import { kSecret, tokenOf } from './tokens.mjs';

const kLog = { history_size: 10, history_ttl: '300s' };
const kOpen = { allow_subscribe_for_client: true, allow_subscribe_for_anonymous: true };
const kMaxLength = 40;

// [the options beside kOpen, what is asked, what the subscribe result has]
const kPositioned = { positioned: true };
const kRecoverable = { positioned: true, recoverable: true };
const kSubscribes = [
  [{ ...kLog }, {}, {}],
  [{ ...kLog }, { positioned: true }, {}],
  [{ ...kLog }, { recoverable: true }, {}],
  [{ ...kLog, force_positioning: true }, {}, kPositioned],
  [{ ...kLog, force_positioning: true }, { recoverable: true }, kPositioned],
  [{ ...kLog, force_recovery: true }, {}, kRecoverable],
  [{ ...kLog, allow_positioning: true }, {}, {}],
  [{ ...kLog, allow_positioning: true }, { positioned: true }, kPositioned],
  [{ ...kLog, allow_positioning: true }, { recoverable: true }, {}],
  [{ ...kLog, allow_recovery: true }, {}, {}],
  [{ ...kLog, allow_recovery: true }, { positioned: true }, {}],
  [{ ...kLog, allow_recovery: true }, { recoverable: true }, kRecoverable],
  [{ ...kLog, allow_history_for_client: true }, {}, {}],
  [{ ...kLog, allow_history_for_client: true }, { positioned: true }, kPositioned],
  [{ ...kLog, allow_history_for_client: true }, { recoverable: true }, kRecoverable],
  [{ ...kLog, allow_history_for_subscriber: true }, { recoverable: true }, kRecoverable],
  [{ ...kLog, allow_history_for_anonymous: true }, { recoverable: true }, {}],
  [{ allow_positioning: true, allow_recovery: true }, { recoverable: true, positioned: true }, {}],
  [{ ...kLog, allowed_delta_types: ['fossil'] }, {}, {}],
  [{ ...kLog, allowed_delta_types: ['fossil'] }, { delta: 'fossil' }, { delta: true }],
  [{ ...kLog }, { delta: 'fossil' }, {}],
].map(([options, asked, result], i) => ({ name: `subscribe-${i}`, options, asked, result }));

// Who may make a call: the options, and each of those who are allowed.
const kNobody = [];
const kUser = ['user', 'subscribed user'];
const kSubscribedUser = ['subscribed user'];
const kEverybody = [...kUser, 'anonymous', 'subscribed anonymous'];
const kSubscribers = ['subscribed user', 'subscribed anonymous'];
const kMatrix = [
  [[], kNobody],
  [['client'], kUser],
  [['subscriber'], kSubscribedUser],
  [['anonymous'], kNobody],
  [['client', 'anonymous'], kEverybody],
  [['subscriber', 'anonymous'], kSubscribers],
  [['client', 'subscriber'], kUser],
  [['client', 'subscriber', 'anonymous'], kEverybody],
];
const kCalls = {
  publish: { params: { data: {} } },
  history: { params: { limit: 1 }, options: kLog },
  presence: { params: {}, options: { presence: true } },
  presence_stats: { params: {}, options: { presence: true }, permission: 'presence' },
};
const kPermissions = Object.entries(kCalls).flatMap(
  ([call, { params, options, permission = call }]) =>
    kMatrix.map(([allow, may], i) => ({
      name: `${call}-${i}`,
      call,
      params,
      may,
      allow,
      options: {
        ...options,
        ...Object.fromEntries(allow.map((who) => [`allow_${permission}_for_${who}`, true])),
      },
    })),
);

// Who hears of joins: [the options, whether it asks, whether it hears].
const kJoins = [
  [{ join_leave: true, force_push_join_leave: true }, false, true],
  [{ join_leave: true }, false, false],
  [{ join_leave: true }, true, false],
  [{ join_leave: true, allow_presence_for_client: true }, true, true],
  [{ join_leave: true, allow_presence_for_client: true }, false, false],
  [{ join_leave: true, allow_presence_for_subscriber: true }, true, true],
  [{ join_leave: true, allow_presence_for_anonymous: true }, true, false],
  [{ force_push_join_leave: true, allow_presence_for_client: true }, true, false],
].map(([options, asks, hears], i) => ({ name: `joins-${i}`, options, asks, hears }));

const kNames = {
  'numbers:2026': 0,
  'numbers:x': 107,
  'numbers:': 107,
  'numbers:1x': 107,
  '$numbers:1': 103,
  'words:naïve': 0,
  'words:two words': 107,
  'open:naïve': 107,
  'open:': 0,
  'open:a:b': 0,
  'unknown:1': 102,
  ':1': 102,
  'Open:1': 102,
  'subscribe-:1': 102,
  'open:#42': 103,
  'limited:#42': 0,
  'limited:a#41,42,43': 0,
  'limited:a#41,4': 103,
  'limited:a#': 103,
  'limited:a': 0,
  [`open:${'x'.repeat(kMaxLength - 5)}`]: 0,
  [`open:${'x'.repeat(kMaxLength - 4)}`]: 107,
};

let server;
before(async () => {
  const named = [...kSubscribes, ...kPermissions, ...kJoins].map(({ name, options }) => [
    name,
    { ...kOpen, ...options },
  ]);
  const config = configOf(
    {
      ...Object.fromEntries(named),
      open: kOpen,
      limited: { ...kOpen, allow_user_limited_channels: true },
      numbers: { ...kOpen, channel_regex: '^[0-9]+$' },
      words: { ...kOpen, channel_regex: '^\\pL+$' },
    },
    {
      client: {
        token: { hmac_secret_key: kSecret },
        allow_anonymous_connect_without_token: true,
      },
    },
  );
  config.channel.max_length = kMaxLength;
  server = await startServer({ dev: false, config });
});
afterEach(async () => {
  closeSockets();
  await server.becomesIdle();
});
after(() => server.stop());

// A client of this user; call() tells what it was answered.
async function open(user) {
  const client = await JsonClient.connect(server, {
    token: user && (await tokenOf({ sub: user })),
  });
  client.call = async (name, params) => {
    const reply = await client.ask({ [name]: params });
    return { result: reply[name], code: reply.error?.code ?? 0 };
  };
  return client;
}

const said = (value) => JSON.stringify(value).replaceAll('"', '').replaceAll(',', ', ');

describe('a subscribe', () => {
  for (const { name, options, asked, result } of kSubscribes) {
    const had = Object.keys(result).join('_and_') || 'plain';
    test(`with_${said(asked)}_is_${had}_where_${said(options)}`, async () => {
      const channel = freshChannel(name);
      const position = await api(server, 'publish', { channel, data: 1 });
      const client = await open('42');
      const expected = result.positioned ? { ...result, ...position } : result;
      assert.deepEqual((await client.call('subscribe', { channel, ...asked })).result, expected);
    });
  }
});

for (const call of Object.keys(kCalls)) {
  describe(`${call} of a client`, () => {
    for (const { name, params, allow, may } of kPermissions.filter((each) => each.call === call)) {
      test(`is_for_${may.join('_and_') || 'nobody'}_where_${allow.join('_') || 'nothing'}_is_allowed`, async () => {
        const channel = freshChannel(name);
        for (const kind of ['user', 'anonymous']) {
          const client = await open(kind === 'user' ? '42' : '');
          const is = async (who) => {
            const { code } = await client.call(call, { channel, ...params });
            assert.equal(code, may.includes(who) ? 0 : 103, who);
          };
          await is(kind);
          const other = freshChannel(name);
          await client.call('subscribe', { channel: other });
          await is(kind);
          await client.call('subscribe', { channel });
          await is(`subscribed ${kind}`);
          await client.call('unsubscribe', { channel });
          await is(kind);
        }
      });
    }
  });
}

describe('a join', () => {
  for (const { name, options, asks, hears } of kJoins) {
    const how = `${hears ? 'is' : 'is_not'}_heard_by_one_who_${asks ? 'asks' : 'does_not_ask'}`;
    test(`${how}_where_${said(options)}`, async () => {
      const channel = freshChannel(name);
      const client = await open('42');
      const { code } = await client.call('subscribe', { channel, join_leave: asks });
      assert.equal(code, 0);
      await api(server, 'publish', { channel, data: 'and then' });
      const { join, pub } = await client.pushes.next();
      if (hears) assert.equal(join.info.user, '42');
      else assert.equal(pub.data, 'and then');
    });
  }
});

describe('a channel name', () => {
  for (const [channel, code] of Object.entries(kNames)) {
    test(`${channel}_gets_${code || 'its_subscription'}`, async () => {
      const client = await open('42');
      assert.equal((await client.call('subscribe', { channel })).code, code);
    });
  }
});
