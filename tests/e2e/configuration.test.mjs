// The configuration file and the environment: what passes, and how mistakes are told.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';

import { RawClient } from './clients.mjs';
import { makeFolder, runBinary, startServer } from './harness.mjs';

describe('configuration', () => {
  const check = (name, text, options) => {
    const file = join(makeFolder(), name);
    writeFileSync(file, text);
    return runBinary(['check-config', '--config', file], options);
  };

  for (const [name, text] of [
    [
      'good.toml',
      '[client]\nping_interval = "10s"\n[[channel.namespaces]]\nname = "chat"\n' +
        'history_size = 10\nhistory_ttl = "60s"\n',
    ],
    [
      'good.json',
      '{"client": {"ping_interval": "10s"}, "channel": {"namespaces": [{"name": "chat"}]}}',
    ],
    ['empty.toml', ''],
  ]) {
    test(`${name.replace('.', '_')}_passes`, async () => {
      const { code, stderr } = await check(name, text);
      assert.equal(code, 0, stderr);
    });
  }

  for (const [what, name, text, complaint] of [
    [
      'an unknown key',
      'a.toml',
      '[client]\nping_intervall = "10s"\n',
      /a\.toml:2.*client\.ping_intervall/,
    ],
    [
      'an unknown key in JSON',
      'a.json',
      '{\n "client": {\n  "ping_intervall": "10s"}}',
      /a\.json:3.*client\.ping_intervall/,
    ],
    [
      'an ill-typed key',
      'a.toml',
      '\n[client]\nchannel_limit = "many"\n',
      /a\.toml:3.*client\.channel_limit/,
    ],
    [
      'a bad duration',
      'a.toml',
      '[client]\nping_interval = "10 parsecs"\n',
      /a\.toml:2.*client\.ping_interval/,
    ],
    ['broken syntax', 'a.toml', '[client\n', /a\.toml:1/],
    [
      'a pong time-out over the ping interval',
      'a.toml',
      '[client]\nping_interval = "5s"\npong_timeout = "6s"\n',
      /client\.pong_timeout/,
    ],
    [
      'two namespaces of one name',
      'a.json',
      '{"channel": {"namespaces": [{"name": "chat"}, {"name": "chat"}]}}',
      /chat/,
    ],
  ]) {
    test(`${what.toLowerCase().replaceAll(/[ -]/g, '_')}_is_an_error_with_its_place`, async () => {
      const { code, stdout, stderr } = await check(name, text);
      assert.equal(code, 2);
      assert.match(stderr, complaint);
      assert.equal(stdout, '');
    });
  }

  test('all_mistakes_are_told_at_once', async () => {
    const { code, stderr } = await check('a.toml', 'first = 1\nsecond = 2\n');
    assert.equal(code, 2);
    assert.match(stderr, /first/);
    assert.match(stderr, /second/);
  });

  test('keys_that_others_know_are_named_in_a_warning', async () => {
    const { code, stdout, stderr } = await check('a.json', '{"grpc_api": {"enabled": true}}');
    assert.equal(code, 0);
    assert.match(`${stdout}${stderr}`, /warning.*grpc_api/);
  });

  test('a_missing_file_is_an_error', async () => {
    const { code, stderr } = await runBinary([
      'check-config',
      '--config',
      '/nowhere/millrace.toml',
    ]);
    assert.equal(code, 2);
    assert.match(stderr, /\/nowhere\/millrace\.toml/);
  });

  test('a_server_does_not_start_with_a_bad_file', async () => {
    const file = join(makeFolder(), 'bad.toml');
    writeFileSync(file, 'workers = "all"\n');
    const { code, stderr } = await runBinary(['--config', file]);
    assert.equal(code, 2);
    assert.match(stderr, /bad\.toml:1.*workers/);
  });

  test('the_environment_wins_over_the_file', async () => {
    const server = await startServer({
      config: { client: { channel_limit: 100 } },
      env: { MILLRACE_CLIENT_CHANNEL_LIMIT: '1' },
    });
    const raw = await RawClient.open(server);
    await raw.connect();
    await raw.ask({ id: 2, subscribe: { channel: 'a' } });
    assert.match(await raw.ask({ id: 3, subscribe: { channel: 'b' } }), /"code":106/);
    await raw.close();
    await server.stop();
  });

  test('the_version_is_told', async () => {
    const { code, stdout } = await runBinary(['version']);
    assert.equal(code, 0);
    assert.match(stdout, /\d+\.\d+\.\d+/);
  });
});
