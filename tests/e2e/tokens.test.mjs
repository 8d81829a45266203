// Connection tokens: whose signature lets whom in, and what a token says about its client.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';

import { RawClient, closeClients, decode, encode, subscribe } from './clients.mjs';
import { startServer } from './harness.mjs';
import { api, configOf } from './streams.mjs';
import { connectAs, inSeconds, isRefused, kSecret, makeKey, refusal, tokenOf } from './tokens.mjs';
import { Inbox, eventOf, until } from './waiting.mjs';

const kInvalid = [3500, 'invalid token'];
const kPrevious = 'the secret before that one, which some tokens were signed with';

const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

// Changes what a signed token says.
function tampered(token, change) {
  const [header, claims, signature] = token.split('.');
  const said = JSON.parse(Buffer.from(claims, 'base64url'));
  return [header, part({ ...said, ...change }), signature].join('.');
}

let keys;
let server;
before(async () => {
  keys = Object.fromEntries(
    await Promise.all(['RS256', 'ES256', 'EdDSA'].map(async (alg) => [alg, await makeKey(alg)])),
  );
  server = await startServer({
    dev: false,
    config: configOf(
      {
        room: {
          presence: true,
          join_leave: true,
          allow_presence_for_client: true,
          allow_subscribe_for_client: true,
          allow_publish_for_client: true,
        },
      },
      {
        client: {
          token: {
            hmac_secret_key: kSecret,
            hmac_previous_secret_key: kPrevious,
            rsa_public_key: keys.RS256.pem,
            ecdsa_public_key: keys.ES256.pem,
            ed25519_public_key: keys.EdDSA.pem,
          },
          user_connection_limit: 2,
        },
      },
    ),
  });
});
afterEach(async () => {
  closeClients();
  await server.becomesIdle();
});
after(() => server.stop());

describe('a signature', () => {
  for (const alg of ['HS256', 'HS384', 'HS512', 'RS256', 'ES256', 'EdDSA']) {
    for (const protocol of ['json', 'protobuf']) {
      test(`of_${alg}_lets_its_user_in_over_${protocol}`, async () => {
        const sign = keys[alg] ?? { alg };
        const client = await connectAs(server, `user of ${alg}`, { sign, protocol });
        await subscribe(client, 'room:signatures');
        const { presence } = await api(server, 'presence', { channel: 'room:signatures' });
        assert.equal(presence[client.id].user, `user of ${alg}`);
      });
    }
  }

  test('of_the_previous_secret_is_good_too', async () => {
    await connectAs(server, 'old', { sign: { key: kPrevious } });
  });

  test('of_another_key_is_not', async () => {
    for (const alg of ['RS256', 'ES256', 'EdDSA']) {
      await isRefused(server, await tokenOf({ sub: '42' }, await makeKey(alg)), ...kInvalid);
    }
    await isRefused(server, await tokenOf({ sub: '42' }, { key: `${kSecret}.` }), ...kInvalid);
  });

  test('of_another_size_of_key_is_not', async () => {
    for (const alg of ['RS384', 'PS256', 'ES384']) {
      const other = await makeKey(alg);
      await isRefused(server, await tokenOf({ sub: '42' }, other), ...kInvalid);
    }
  });

  test('is_of_what_was_signed', async () => {
    for (const sign of [{}, keys.RS256, keys.ES256, keys.EdDSA]) {
      const token = await tokenOf({ sub: '42', exp: inSeconds(60) }, sign);
      await isRefused(server, tampered(token, { sub: '43' }), ...kInvalid);
      await isRefused(server, tampered(token, { exp: inSeconds(6000) }), ...kInvalid);
      await isRefused(server, token.slice(0, -8), ...kInvalid);
      await isRefused(server, token.slice(0, token.lastIndexOf('.') + 1), ...kInvalid);
    }
  });

  test('of_none_is_none', async () => {
    for (const alg of ['none', 'None', 'NONE', '']) {
      const unsigned = `${part({ alg, typ: 'JWT' })}.${part({ sub: '42' })}`;
      await isRefused(server, `${unsigned}.`, ...kInvalid);
      const signature = (await tokenOf({ sub: '42' })).split('.')[2];
      await isRefused(server, `${unsigned}.${signature}`, ...kInvalid);
    }
  });

  test('by_a_public_key_as_if_it_were_a_secret_is_not', async () => {
    for (const { pem } of Object.values(keys)) {
      for (const key of [pem, pem.trimEnd()]) {
        await isRefused(server, await tokenOf({ sub: '42' }, { key }), ...kInvalid);
      }
    }
  });

  test('under_the_name_of_another_algorithm_is_not', async () => {
    for (const [alg, name] of [
      ['RS256', 'RS512'],
      ['ES256', 'EdDSA'],
      ['EdDSA', 'ES256'],
      ['RS256', 'HS256'],
    ]) {
      const token = await tokenOf({ sub: '42' }, keys[alg]);
      const renamed = [part({ alg: name, typ: 'JWT' }), ...token.split('.').slice(1)].join('.');
      await isRefused(server, renamed, ...kInvalid);
    }
  });
});

describe('what is not a connection token', () => {
  test('is_refused', async () => {
    const good = await tokenOf({ sub: '42' });
    for (const token of ['x', '..', 'a.b', `${good}.x`, ` ${good}`, `${good}\n`, `${good}=`]) {
      await isRefused(server, token, ...kInvalid);
    }
  });

  test('may_be_one_for_a_channel', async () => {
    await isRefused(server, await tokenOf({ sub: '42', channel: 'room:1' }), ...kInvalid);
  });

  test('may_have_claims_of_the_wrong_kind', async () => {
    for (const claims of [{ sub: 42 }, { sub: '42', exp: 'tomorrow' }, { sub: '42', subs: [] }]) {
      await isRefused(server, await tokenOf(claims), ...kInvalid);
    }
  });
});

describe('an expired token', () => {
  const errorOf = async (claims) => {
    const raw = await RawClient.open(server);
    const token = await tokenOf({ sub: '42', ...claims });
    return JSON.parse(await raw.ask({ id: 1, connect: { token } })).error;
  };

  test('gets_109', async () => {
    const expired = { code: 109, message: 'token expired' };
    assert.deepEqual(await errorOf({ exp: inSeconds(-1) }), expired);
    assert.deepEqual(await errorOf({ nbf: inSeconds(600) }), expired);
  });

  test('gets_110_if_only_its_connection_has_expired', async () => {
    const claims = { exp: inSeconds(600), expire_at: inSeconds(-1) };
    assert.deepEqual(await errorOf(claims), { code: 110, message: 'expired' });
  });

  for (const protocol of ['json', 'protobuf']) {
    test(`makes_the_client_fetch_a_new_one_over_${protocol}`, async () => {
      let asked = 0;
      const getToken = () => {
        asked += 1;
        return tokenOf({ sub: '42', exp: inSeconds(600) });
      };
      const expired = { sub: '42', exp: inSeconds(-5) };
      const client = await connectAs(server, expired, { protocol, getToken });
      assert.equal(asked, 1);
      assert.equal(client.state, 'connected');
    });
  }

  test('is_the_end_for_a_client_that_cannot_get_another', async () => {
    const token = await tokenOf({ sub: '42', exp: inSeconds(-5) });
    assert.deepEqual(await refusal(server, { token }), { code: 1, reason: 'unauthorized' });
  });
});

describe('what a token says about its client', () => {
  for (const protocol of ['json', 'protobuf']) {
    test(`is_what_others_see_over_${protocol}`, async () => {
      const watcher = await connectAs(server, 'watcher', { protocol });
      const room = watcher.newSubscription('room:seen', { joinLeave: true });
      const joins = new Inbox('a join');
      room.on('join', ({ info }) => joins.push(info));
      room.subscribe();
      await joins.next(); // its own
      const said = { name: 'Ada', tags: ['a', 1.5, null] };
      const member = await connectAs(server, { sub: '42', info: said }, { protocol });
      await subscribe(member, 'room:seen');
      const publication = eventOf(room, 'publication');
      await member.publish('room:seen', encode(member, 'hello'));
      const { info } = await publication;
      const joined = await joins.next();
      for (const seen of [joined, info]) {
        assert.equal(seen.user, '42');
        assert.equal(seen.client, member.id);
        assert.deepEqual(decode(seen.connInfo), said);
      }
      const { presence } = await api(server, 'presence', { channel: 'room:seen' });
      assert.deepEqual(presence[member.id], { user: '42', client: member.id, conn_info: said });
    });
  }
});

describe('the connections of one user', () => {
  test('are_limited_and_those_of_others_are_not_counted', async () => {
    const first = await connectAs(server, 'busy');
    await connectAs(server, 'busy');
    const token = await tokenOf({ sub: 'busy' });
    await isRefused(server, token, 3504, 'connection limit');
    await connectAs(server, 'other');
    first.disconnect();
    // The server may notice a little later.
    await until(async () => {
      const raw = await RawClient.open(server);
      raw.send(JSON.stringify({ id: 1, connect: { token } }));
      return raw.messages.next().then(JSON.parse, () => false);
    }, 'there is room for another one');
    await isRefused(server, token, 3504, 'connection limit');
  });
});
