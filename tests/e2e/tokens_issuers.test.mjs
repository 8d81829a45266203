// Keys of many issuers: each token says who made it, and that says where the key is.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';

import { closeClients } from './clients.mjs';
import { startServer } from './harness.mjs';
import { KeyServer } from './key_server.mjs';
import { connectAs, isRefused, makeKey, tokenOf } from './tokens.mjs';

describe('a server whose keys are of many issuers', () => {
  const keys = {};
  let source;
  let server;
  before(async () => {
    for (const tenant of ['acme', 'umbra']) keys[tenant] = await makeKey('ES256', 'the key');
    source = await KeyServer.make();
    source.byPath = { '/acme/keys': [keys.acme.jwk], '/umbra/keys': [keys.umbra.jwk] };
    await source.start();
    const token = {
      issuer_regex: '^https://(?P<tenant>[a-z]+)\\.example$',
      jwks_public_endpoint: `${source.origin}/{{tenant}}/keys`,
    };
    server = await startServer({ dev: false, config: { workers: 1, client: { token } } });
  });
  after(async () => {
    await server.becomesIdle();
    await server.stop();
    await source.stop();
  });
  afterEach(closeClients);

  const claimsOf = (tenant) => ({ sub: '42', iss: `https://${tenant}.example` });

  test('asks_each_of_them_for_its_own', async () => {
    for (const tenant of ['acme', 'umbra']) {
      await connectAs(server, claimsOf(tenant), { sign: keys[tenant] });
    }
    assert.deepEqual(source.asked, ['/acme/keys', '/umbra/keys']);
  });

  test('takes_nobodys_key_for_another_issuer', async () => {
    const token = await tokenOf(claimsOf('acme'), keys.umbra);
    await isRefused(server, token, 3500, 'invalid token');
  });

  test('asks_nobody_whom_the_pattern_does_not_know', async () => {
    const before = source.asked.length;
    for (const iss of ['https://ACME.example', 'https://a.b.example', 'https://../x.example']) {
      const token = await tokenOf({ sub: '42', iss }, keys.acme);
      await isRefused(server, token, 3500, 'invalid token');
    }
    assert.equal(source.asked.length, before);
  });
});
