// Claims in base64: bytes for clients that can take them, and JSON for all.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';

import { closeClients, decode } from './clients.mjs';
import { startServer } from './harness.mjs';
import { api, configOf, freshChannel, listen } from './streams.mjs';
import { connectAs, isRefused, kSecret, refusal, tokenOf } from './tokens.mjs';
import { eventOf } from './waiting.mjs';

const kBytes = Buffer.from([0xff, 0x00, 0x7b, 0x0a]);
const kInfo = { name: 'Ada' };
const kJson = Buffer.from(JSON.stringify(kInfo, null, 2)); // on several lines
const kInappropriate = { code: 3506, reason: 'inappropriate protocol' };
const base64 = (bytes) => bytes.toString('base64');

let server;
before(async () => {
  const room = { presence: true, allow_subscribe_for_client: true };
  const client = { token: { hmac_secret_key: kSecret } };
  server = await startServer({ dev: false, config: configOf({ room }, { client }) });
});
afterEach(async () => {
  closeClients();
  await server.becomesIdle();
});
after(() => server.stop());

const memberOf = async (channel, client) =>
  (await api(server, 'presence', { channel })).presence[client.id];

describe('info in base64', () => {
  for (const protocol of ['json', 'protobuf']) {
    test(`is_as_good_as_any_other_if_it_is_json_over_${protocol}`, async () => {
      const channel = freshChannel('room');
      const claims = { sub: '42', info: 'not this one', b64info: base64(kJson) };
      const client = await connectAs(server, claims, { protocol });
      const token = await tokenOf({ sub: '42', channel, b64info: base64(kJson) });
      await listen(client, channel, { token }).replies.next();
      const { conn_info, chan_info } = await memberOf(channel, client);
      assert.deepEqual([conn_info, chan_info], [kInfo, kInfo]);
    });
  }

  test('of_other_bytes_is_refused_because_others_may_not_be_able_to_see_it', async () => {
    const b64info = base64(kBytes);
    await isRefused(server, await tokenOf({ sub: '42', b64info }), 3500, 'invalid token');
    const subs = { 'room:1': { b64info } };
    await isRefused(server, await tokenOf({ sub: '42', subs }), 3500, 'invalid token');
    const client = await connectAs(server, '42');
    const disconnected = eventOf(client, 'disconnected');
    listen(client, 'room:1', { token: await tokenOf({ sub: '42', channel: 'room:1', b64info }) });
    assert.deepEqual(await disconnected, { code: 3500, reason: 'invalid token' });
  });
});

describe('data in base64', () => {
  const subs = { 'room:1': { b64data: base64(kBytes) } };

  test('reaches_a_protobuf_client_as_it_is', async () => {
    const channel = freshChannel('room');
    const token = await tokenOf({ sub: '42', channel, b64data: base64(kBytes) });
    const client = await connectAs(server, '42', { protocol: 'protobuf' });
    const { data } = await listen(client, channel, { token }).replies.next();
    assert.deepEqual(Buffer.from(data), kBytes);
    const connected = eventOf(client, 'subscribed');
    client.disconnect();
    client.setToken(await tokenOf({ sub: '42', subs }));
    client.connect();
    assert.deepEqual(Buffer.from((await connected).data), kBytes);
  });

  test('is_not_for_a_json_client', async () => {
    assert.deepEqual(
      await refusal(server, { token: await tokenOf({ sub: '42', subs }) }),
      kInappropriate,
    );
    const channel = freshChannel('room');
    const client = await connectAs(server, '42');
    const disconnected = eventOf(client, 'disconnected');
    const token = await tokenOf({ sub: '42', channel, b64data: base64(kBytes) });
    listen(client, channel, { token });
    assert.deepEqual(await disconnected, kInappropriate);
  });

  test('reaches_a_json_client_if_it_is_json', async () => {
    const channel = freshChannel('room');
    const client = await connectAs(server, '42');
    const token = await tokenOf({ sub: '42', channel, b64data: base64(kJson) });
    const { data } = await listen(client, channel, { token }).replies.next();
    assert.deepEqual(decode(data), kInfo);
  });
});
