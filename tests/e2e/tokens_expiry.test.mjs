// Connections that expire, with real clocks kept short: refreshed in band, refused, or cut.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';

import { RawClient, closeClients, encode, makeClient, subscribe } from './clients.mjs';
import { startServer } from './harness.mjs';
import { kSecret, connectAs, inSeconds, tokenOf } from './tokens.mjs';
import { Inbox, eventOf, until } from './waiting.mjs';

const kOpen = { allow_subscribe_for_client: true, allow_publish_for_client: true };
const kShort = 2; // seconds that a connection lasts here

let server;
before(async () => {
  const token = { hmac_secret_key: kSecret };
  const client = {
    token,
    expired_close_delay: '1s',
    allow_anonymous_connect_without_token: true,
  };
  const channel = { without_namespace: kOpen };
  server = await startServer({ dev: false, config: { client, channel } });
});
afterEach(async () => {
  closeClients();
  await server.becomesIdle();
});
after(() => server.stop());

const short = (claims) => tokenOf({ sub: '42', exp: inSeconds(kShort), ...claims });

// A raw client's session by a token: what the server said about it.
async function open(token) {
  const raw = await RawClient.open(server);
  raw.reply = JSON.parse(await raw.ask({ id: 1, connect: { token } })).connect;
  raw.refresh = async (other) => JSON.parse(await raw.ask({ id: 2, refresh: { token: other } }));
  return raw;
}

async function closes(raw, token, code, reason) {
  raw.send(JSON.stringify({ id: 2, refresh: { token } }));
  assert.deepEqual(await raw.closed(), { code, reason });
}

describe('a connection', () => {
  test('is_told_when_it_expires', async () => {
    for (const [claims, ttl] of [
      [{ exp: inSeconds(100) }, 100],
      [{ exp: inSeconds(100), expire_at: inSeconds(50) }, 50],
      [{ expire_at: inSeconds(50) }, 50],
    ]) {
      const { reply } = await open(await tokenOf({ sub: '42', ...claims }));
      assert.equal(reply.expires, true);
      assert.ok(reply.ttl <= ttl && reply.ttl >= ttl - 3, `${reply.ttl}, not ${ttl}`);
    }
    for (const claims of [{}, { exp: inSeconds(100), expire_at: 0 }]) {
      const { reply } = await open(await tokenOf({ sub: '42', ...claims }));
      assert.equal(reply.expires, undefined);
      assert.equal(reply.ttl, undefined);
    }
  });

  test('is_cut_with_3005_when_nobody_refreshes_it', async () => {
    const raw = await open(await short());
    const expires = inSeconds(raw.reply.ttl) * 1000;
    assert.deepEqual(await raw.closed(), { code: 3005, reason: 'connection expired' });
    assert.ok(Date.now() > expires, 'not before it expired');
  });

  test('that_never_expires_outlives_its_token', async () => {
    const raw = await open(await short({ expire_at: 0 }));
    const cut = await open(await short());
    await cut.closed();
    assert.deepEqual(await raw.refresh(await tokenOf({ sub: '42' })), {
      id: 2,
      refresh: { client: raw.reply.client, version: raw.reply.version },
    });
  });
});

describe('a refresh', () => {
  test('in_band_keeps_the_connection_over_json_and_protobuf', async () => {
    const stays = async (protocol) => {
      let tokens = 0;
      const getToken = () => short({ jti: String((tokens += 1)) });
      const client = makeClient(server, { protocol, getToken });
      const states = [];
      client.on('state', ({ newState }) => states.push(newState));
      client.connect();
      await until(() => tokens >= 4, 'three refreshes', 15_000);
      await client.publish('heard', encode(client, 1));
      assert.deepEqual(states, ['connecting', 'connected']);
      assert.equal(client.sockets.length, 1);
    };
    await Promise.all([stays('json'), stays('protobuf')]);
  });

  test('says_what_is_good_from_now_on', async () => {
    const raw = await open(await short());
    const { client, version } = raw.reply;
    const { refresh } = await raw.refresh(await tokenOf({ sub: '42', exp: inSeconds(100) }));
    assert.ok(refresh.ttl > 90 && refresh.ttl <= 100);
    assert.deepEqual(refresh, { client, version, expires: true, ttl: refresh.ttl });
    assert.deepEqual((await raw.refresh(await tokenOf({ sub: '42' }))).refresh, {
      client,
      version,
    });
    const cut = await open(await short());
    await cut.closed();
    assert.equal(raw.socket.readyState, raw.socket.OPEN);
  });

  test('changes_what_others_see_of_the_client', async () => {
    const hears = await subscribe(await connectAs(server, 'listener'), 'heard');
    const raw = await open(await short({ info: { name: 'before' } }));
    const publish = () => raw.ask({ id: 3, publish: { channel: 'heard', data: {} } });
    await publish();
    await raw.refresh(await tokenOf({ sub: '42', info: { name: 'after' } }));
    await publish();
    const seen = await hears.publications.take(2);
    assert.deepEqual(
      seen.map(({ info }) => info.connInfo),
      [{ name: 'before' }, { name: 'after' }],
    );
  });

  test('may_come_within_the_delay_after_the_end', async () => {
    const exp = inSeconds(kShort);
    const raw = await open(await short({ exp }));
    await until(() => Date.now() > exp * 1000 + 100, 'it has expired');
    const { refresh } = await raw.refresh(await tokenOf({ sub: '42', exp: inSeconds(100) }));
    assert.equal(refresh.expires, true);
  });

  test('with_the_token_of_another_user_or_a_wrong_one_is_closed_with_3500', async () => {
    for (const token of [
      await tokenOf({ sub: '43', exp: inSeconds(100) }),
      await tokenOf({ exp: inSeconds(100) }),
      await tokenOf({ sub: '42' }, { key: 'another secret' }),
      await tokenOf({ sub: '42', channel: 'x' }),
      'x',
    ]) {
      await closes(await open(await tokenOf({ sub: '42' })), token, 3500, 'invalid token');
    }
    await closes(await open(await tokenOf({ sub: '42' })), '', 3501, 'bad request');
  });

  test('with_an_expired_token_is_closed_with_3005', async () => {
    const token = await tokenOf({ sub: '42', exp: inSeconds(-1) });
    await closes(await open(await short()), token, 3005, 'connection expired');
  });

  test('to_other_channels_is_closed_with_3010_so_that_the_client_connects_anew', async () => {
    const token = await tokenOf({ sub: '42', channels: ['a', 'b'] });
    for (const channels of [['a'], ['a', 'b', 'c'], ['a', 'c'], undefined]) {
      const other = await tokenOf({ sub: '42', channels });
      await closes(await open(token), other, 3010, 'insufficient state');
    }
    const raw = await open(token);
    assert.ok((await raw.refresh(await tokenOf({ sub: '42', channels: ['b', 'a'] }))).refresh);
  });

  test('of_somebody_who_came_without_a_token_makes_no_user_of_him', async () => {
    await closes(await open(''), await tokenOf({ sub: '42' }), 3500, 'invalid token');
  });
});

describe('a client whose refresh', () => {
  test('is_refused_stays_away', async () => {
    const tokens = [short(), tokenOf({ sub: 'somebody else', exp: inSeconds(60) })];
    const client = makeClient(server, { getToken: () => tokens.shift() });
    const disconnected = eventOf(client, 'disconnected');
    client.connect();
    assert.deepEqual(await disconnected, { code: 3500, reason: 'invalid token' });
  });

  test('fails_once_is_cut_and_comes_back_with_a_new_token', async () => {
    const tokens = [short(), null, tokenOf({ sub: '42', exp: inSeconds(60) })];
    const getToken = () => tokens.shift() ?? Promise.reject(new Error('the backend is away'));
    const client = makeClient(server, { getToken });
    const said = new Inbox('an event');
    for (const name of ['connecting', 'connected', 'disconnected']) {
      client.on(name, ({ code }) => said.push([name, code]));
    }
    client.connect();
    assert.deepEqual(await said.take(4), [
      ['connecting', 0],
      ['connected', undefined],
      ['connecting', 3005],
      ['connected', undefined],
    ]);
  });

  test('cannot_be_made_ends_as_unauthorized', async () => {
    const tokens = [short(), ''];
    const client = makeClient(server, { getToken: async () => tokens.shift() });
    const disconnected = eventOf(client, 'disconnected');
    client.connect();
    assert.deepEqual(await disconnected, { code: 1, reason: 'unauthorized' });
  });
});
