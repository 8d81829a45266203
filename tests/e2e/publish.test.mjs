// `millrace publish`: from the shell, through the API of a server, to a client.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';

import { kBackendConfig, kKey } from './backend.mjs';
import { closeClients, connect, subscribe } from './clients.mjs';
import { freePort, runBinary, startServer } from './harness.mjs';

describe('millrace publish', () => {
  let server;
  const publish = (args, options) => runBinary(['publish', ...args], options);
  const configured = (...args) => publish(['--config', server.configFile, ...args]);
  const refused = async (run, code, complaint) => {
    const { code: exited, stdout, stderr } = await run;
    assert.equal(exited, code);
    assert.equal(stdout, '');
    assert.match(stderr, complaint);
  };

  before(async () => (server = await startServer({ dev: false, config: kBackendConfig })));
  afterEach(async () => {
    closeClients();
    await server.becomesIdle();
  });
  after(() => server.stop());

  test('reaches_subscribers_of_the_server_that_the_configuration_describes', async () => {
    const hears = await subscribe(await connect(server), 'news');
    const { code, stdout, stderr } = await configured('news', '{"text": "hello"}');
    assert.deepEqual([code, stdout, stderr], [0, '{}\n', '']);
    assert.deepEqual((await hears.publications.next()).data, { text: 'hello' });
  });

  test('prints_the_position_where_there_is_history', async () => {
    const first = JSON.parse((await configured('log:shell', '1')).stdout);
    assert.equal(first.offset, 1);
    assert.match(first.epoch, /./);
    const second = JSON.parse((await configured('log:shell', '2')).stdout);
    assert.deepEqual(second, { offset: 2, epoch: first.epoch });
  });

  test('takes_data_from_standard_input', async () => {
    const hears = await subscribe(await connect(server), 'news');
    const input = `{\n  "text": "${'x'.repeat(200_000)}"\n}\n`;
    const args = ['--config', server.configFile, 'news', '-'];
    const { code, stderr } = await publish(args, { input });
    assert.equal(code, 0, stderr);
    assert.equal((await hears.publications.next()).data.text.length, 200_000);
  });

  test('takes_server_and_key_from_the_command_line', async () => {
    const args = ['news', '1', '--server', `${server.url}/`, '--api-key'];
    assert.equal((await publish([...args, kKey])).code, 0);
    await refused(publish([...args, 'wrong']), 1, /another key: --api-key, or http_api\.key/);
    const env = { MILLRACE_HTTP_API_KEY: kKey };
    assert.equal((await publish(args.slice(0, -1), { env })).code, 0);
  });

  test('tells_the_servers_errors', async () => {
    await refused(
      configured('unknown:1', '1'),
      1,
      /\/api\/publish answers 404: \{"code":102,"message":"unknown channel"\}/,
    );
    await refused(configured('news', 'hello'), 2, /the data is not JSON/);
    await refused(configured('news'), 2, /publish needs a channel and data/);
    const url = `http://127.0.0.1:${await freePort()}`;
    await refused(configured('news', '1', '--server', url), 1, /\/api\/publish: /);
  });
});
