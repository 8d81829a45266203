// Subscription tokens with keys of their own.

import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';

import { closeClients } from './clients.mjs';
import { startServer } from './harness.mjs';
import { configOf, freshChannel, listen } from './streams.mjs';
import { connectAs, isRefused, kSecret, makeKey, tokenOf } from './tokens.mjs';

let server;
let ours;
before(async () => {
  ours = await makeKey('ES256');
  const client = {
    token: { hmac_secret_key: kSecret, audience: 'connections' },
    subscription_token: { enabled: true, ecdsa_public_key: ours.pem },
  };
  server = await startServer({ dev: false, config: configOf({ closed: {} }, { client }) });
});
afterEach(async () => {
  closeClients();
  await server.becomesIdle();
});
after(() => server.stop());

const connectHere = () => connectAs(server, { sub: '42', aud: 'connections' });

test('open_channels', async () => {
  const channel = freshChannel('closed');
  const token = await tokenOf({ sub: '42', channel }, ours);
  await listen(await connectHere(), channel, { token }).replies.next();
});

test('do_not_open_connections', async () => {
  const token = await tokenOf({ sub: '42', aud: 'connections' }, ours);
  await isRefused(server, token, 3500, 'invalid token');
});

test('are_the_only_ones_that_open_channels', async () => {
  const channel = freshChannel('closed');
  const token = await tokenOf({ sub: '42', channel, aud: 'connections' });
  const { code } = await listen(await connectHere(), channel, { token }).ends.next();
  assert.equal(code, 103);
});
