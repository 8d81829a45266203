// What a server may demand of connection tokens: whom they are for, who made them, and that they
// name a user.

import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';

import { closeClients, connect, subscribe } from './clients.mjs';
import { startServer } from './harness.mjs';
import { api, configOf } from './streams.mjs';
import { connectAs, inSeconds, isRefused, kSecret, tokenOf } from './tokens.mjs';

const kInvalid = [3500, 'invalid token'];
const kRoom = {
  presence: true,
  allow_subscribe_for_client: true,
  allow_subscribe_for_anonymous: true,
};

let server;
const start = async (token, client = {}) => {
  const keys = { hmac_secret_key: kSecret, ...token };
  const config = configOf({ room: kRoom }, { client: { token: keys, ...client } });
  server = await startServer({ dev: false, config });
};
afterEach(async () => {
  closeClients();
  await server.becomesIdle();
  await server.stop();
});

const lets = async (claims) => connectAs(server, { sub: '42', ...claims });
const refuses = async (claims) =>
  isRefused(server, await tokenOf({ sub: '42', ...claims }), ...kInvalid);

// The user that the server takes the client for.
async function userOf(client) {
  await subscribe(client, 'room:1');
  const { presence } = await api(server, 'presence', { channel: 'room:1' });
  return presence[client.id].user;
}

describe('a token', () => {
  test('is_for_the_audience_and_from_the_issuer_that_are_demanded', async () => {
    await start({ audience: 'chat', issuer: 'https://login.example' });
    const good = { aud: 'chat', iss: 'https://login.example' };
    await lets(good);
    await lets({ ...good, aud: ['shop', 'chat'] });
    for (const aud of ['shop', 'chats', 'Chat', '', [], ['shop']]) await refuses({ ...good, aud });
    for (const iss of ['https://login.example/', 'other', '']) await refuses({ ...good, iss });
    await refuses({ aud: good.aud });
    await refuses({ iss: good.iss });
  });

  test('may_have_any_audience_and_issuer_where_none_is_demanded', async () => {
    await start({});
    await lets({ aud: 'chat', iss: 'https://login.example' });
    await lets({ aud: ['chat', 'shop'] });
  });

  test('matches_the_patterns_that_are_demanded', async () => {
    await start({
      audience_regex: '^(chat|shop)$',
      issuer_regex: '^https://(?P<tenant>[a-z]+)\\.example$',
    });
    const good = { aud: 'shop', iss: 'https://acme.example' };
    await lets(good);
    await lets({ ...good, aud: ['other', 'chat'] });
    for (const aud of ['shops', 'xchat', '']) await refuses({ ...good, aud });
    for (const iss of ['https://acme.example.org', 'http://acme.example']) {
      await refuses({ ...good, iss });
    }
  });

  test('names_its_user_in_the_claim_that_is_configured', async () => {
    await start({ user_id_claim: 'user_id' });
    assert.equal(await userOf(await connectAs(server, { sub: '42', user_id: 'ada' })), 'ada');
    assert.equal(await userOf(await connectAs(server, { user_id: 17 })), '17');
  });
});

describe('a token without a user', () => {
  test('makes_an_anonymous_client', async () => {
    await start({});
    assert.equal(await userOf(await connectAs(server, { exp: inSeconds(60) })), '');
    assert.equal(await userOf(await connectAs(server, { sub: '' })), '');
  });

  test('can_be_disallowed', async () => {
    const client = {
      disallow_anonymous_connection_tokens: true,
      allow_anonymous_connect_without_token: true,
    };
    await start({}, client);
    for (const claims of [{}, { sub: '' }]) {
      await isRefused(server, await tokenOf(claims), 3507, 'permission denied');
    }
    await connectAs(server, 'somebody');
    assert.equal(await userOf(await connect(server)), '');
  });
});

describe('a previous secret', () => {
  const previous = 'the secret before that one, which some tokens were signed with';
  const old = (claims) => tokenOf({ sub: '42', ...claims }, { key: previous });

  test('is_good_until_it_is_not', async () => {
    await start({
      hmac_previous_secret_key: previous,
      hmac_previous_secret_key_valid_until: inSeconds(600),
    });
    await connectAs(server, 'new');
    await connectAs(server, 'old', { sign: { key: previous } });
  });

  test('is_no_good_afterwards', async () => {
    await start({
      hmac_previous_secret_key: previous,
      hmac_previous_secret_key_valid_until: inSeconds(-1),
    });
    await connectAs(server, 'new');
    await isRefused(server, await old(), ...kInvalid);
  });
});
