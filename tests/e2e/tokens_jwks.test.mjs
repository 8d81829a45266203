// Keys by URL: tokens name their key, keys come and go, and so does the server that has them.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';

import { RawClient, closeClients, makeClient } from './clients.mjs';
import { startServer } from './harness.mjs';
import { KeyServer } from './key_server.mjs';
import { connectAs, isRefused, makeKey, tokenOf } from './tokens.mjs';
import { eventOf, until } from './waiting.mjs';

// A set is not fetched again within ten seconds.
const kFetched = 20_000;
const kInvalid = [3500, 'invalid token'];

let source;
let server;

// What a connect with this token is answered with, or closed with.
async function answerTo(token) {
  const raw = await RawClient.open(server);
  raw.send(JSON.stringify({ id: 1, connect: { token } }));
  const reply = await raw.messages.next().then(JSON.parse, () => null);
  if (reply === null) return raw.ended;
  raw.socket.close();
  return reply.error ?? 'connected';
}

const becomes = async (token, answer) =>
  until(async () => (await answerTo(token)) === answer, `a token is ${answer}`, kFetched);

before(async () => (source = await KeyServer.make()));
after(() => source.stop());
afterEach(closeClients);

describe('a server that gets its keys by a URL', () => {
  const keys = {};
  before(async () => {
    for (const alg of ['RS256', 'RS512', 'ES256', 'ES384', 'EdDSA']) {
      keys[alg] = await makeKey(alg, `key of ${alg}`);
    }
    keys.next = await makeKey('ES256', 'next');
    // Each worker has a set of its own.
    const token = { jwks_public_endpoint: source.url };
    server = await startServer({ dev: false, config: { workers: 1, client: { token } } });
  });
  after(async () => {
    await server.becomesIdle();
    await server.stop();
  });

  // One after the other: each goes on where the one before it has left off.
  test('tells_clients_to_come_again_while_nobody_is_there_to_ask', async () => {
    const token = await tokenOf({ sub: '42' }, keys.EdDSA);
    const client = makeClient(server, { token });
    const failed = eventOf(client, 'error', { where: ({ type }) => type === 'connect' });
    const connected = eventOf(client, 'connected', { within: kFetched });
    client.connect();
    const { error } = await failed;
    assert.deepEqual([error.code, error.temporary], [100, true]);
    assert.equal(client.state, 'connecting');
    source.keys = Object.values(keys)
      .filter(({ kid }) => kid !== 'next')
      .map(({ jwk }) => jwk);
    await source.start();
    await connected;
  });

  test('knows_the_keys_of_all_kinds_that_are_in_the_set', async () => {
    for (const alg of ['RS256', 'RS512', 'ES256', 'ES384', 'EdDSA']) {
      await connectAs(server, alg, { sign: keys[alg], protocol: 'protobuf' });
    }
    assert.deepEqual(source.asked, ['/.well-known/jwks.json'], 'one fetch was enough');
  });

  test('refuses_a_token_that_names_one_key_and_is_signed_with_another', async () => {
    const sign = { ...(await makeKey('ES256')), kid: keys.ES256.kid };
    await isRefused(server, await tokenOf({ sub: '42' }, sign), ...kInvalid);
    // The set may have an ES256 key of that id when it is asked next.
    const another = { ...(await makeKey('ES256')), kid: keys.RS256.kid };
    const { code } = await answerTo(await tokenOf({ sub: '42' }, another));
    assert.ok(code === 3500 || code === 100, `${code}`);
  });

  test('refuses_secrets_which_a_set_never_holds', async () => {
    await isRefused(server, await tokenOf({ sub: '42' }), ...kInvalid);
    const key = keys.RS256.pem;
    const token = await tokenOf({ sub: '42' }, { key, kid: keys.RS256.kid });
    await isRefused(server, token, ...kInvalid);
  });

  test('fetches_the_set_again_for_a_key_that_it_does_not_know', async () => {
    source.keys = source.keys.filter(({ kid }) => kid !== keys.ES384.kid);
    source.keys.push(keys.next.jwk);
    await connectAs(server, '42', { sign: keys.ES384 });
    await becomes(await tokenOf({ sub: '42' }, keys.next), 'connected');
    await connectAs(server, '42', { sign: keys.RS256 });
  });

  test('forgets_a_key_that_was_taken_out_of_the_set', async () => {
    const { code } = await answerTo(await tokenOf({ sub: '42' }, keys.ES384));
    assert.ok(code === 3500 || code === 100, `${code}`);
  });

  test('is_not_made_to_ask_more_often_by_made_up_keys', async () => {
    const before = source.asked.length;
    const key = await makeKey('ES256');
    for (let i = 0; i < 50; ++i) {
      const { code } = await answerTo(await tokenOf({}, { ...key, kid: `made up ${i}` }));
      // The first may be fetched for; the set may have any other's key when it is asked next.
      assert.ok(code === 100 || (i === 0 && code === 3500), `${code}`);
    }
    assert.ok(source.asked.length <= before + 1, `${source.asked.length - before} fetches`);
  });

  test('keeps_the_keys_that_it_has_when_the_set_is_gone', async () => {
    source.status = 500;
    const unknown = await makeKey('ES256', 'unknown');
    const token = await tokenOf({ sub: '42' }, unknown);
    const refused = await until(
      async () => {
        const { code, temporary } = await answerTo(token);
        return code === 100 && { temporary };
      },
      'the set was asked for again',
      kFetched,
    );
    assert.deepEqual(refused, { temporary: true });
    for (const alg of ['RS256', 'ES256', 'EdDSA', 'next']) {
      await connectAs(server, alg, { sign: keys[alg] });
    }
  });
});
