// Tokens as a backend makes them: with a library of its own trade, and one key of each kind.

import assert from 'node:assert/strict';

import { SignJWT, exportJWK, exportSPKI, generateKeyPair } from 'jose';

import { makeClient } from './clients.mjs';
import { eventOf } from './waiting.mjs';

// As long as the longest of the digests, which some libraries insist on.
export const kSecret = 'a secret that the tests and their servers share, and nobody else has.';

// Unix seconds, so many from now on, or up to one less: the clock may be about to strike.
export const inSeconds = (count) => Math.floor(Date.now() / 1000) + count;

// A token with these claims; its key is a secret or a private key.
export function tokenOf(claims, { alg = 'HS256', key = kSecret, kid } = {}) {
  return new SignJWT(claims)
    .setProtectedHeader({ alg, typ: 'JWT', ...(kid && { kid }) })
    .sign(typeof key === 'string' ? Buffer.from(key) : key);
}

// A key pair for this algorithm: {alg, key, pem, jwk}, with which tokenOf() signs.
export async function makeKey(alg, kid) {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
  const pem = await exportSPKI(publicKey);
  const jwk = { ...(await exportJWK(publicKey)), alg, use: 'sig', ...(kid && { kid }) };
  return { alg, key: privateKey, kid, pem, jwk };
}

// A client that was let in as this user.
export async function connectAs(server, claims, { sign, ...options } = {}) {
  const user = typeof claims === 'string' ? { sub: claims } : claims;
  const client = makeClient(server, { token: await tokenOf(user, sign), ...options });
  client.reply = eventOf(client, 'connected');
  client.connect();
  client.id = (await client.reply).client;
  return client;
}

// How a client was refused: {code, reason}.
export async function refusal(server, options) {
  const client = makeClient(server, options);
  const disconnected = eventOf(client, 'disconnected');
  client.connect();
  const { code, reason } = await disconnected;
  return { code, reason };
}

export async function isRefused(server, token, code, reason) {
  assert.deepEqual(await refusal(server, { token }), { code, reason });
}
