// What operators see: metrics, health, signals, and where the server listens.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { RawClient, connect, encode, subscribe } from './clients.mjs';
import { freePort, makeFolder, request, runBinary, startServer } from './harness.mjs';
import { eventOf, until } from './waiting.mjs';

const kHasPromtool = spawnSync('promtool', ['--version']).status === 0;
const kHasIpv6 = Object.values(networkInterfaces())
  .flat()
  .some(({ address }) => address === '::1');
// A gauge that ends in _total and a unit that is not a base unit: users' dashboards have them so.
const kUsersNames = /^websocket_(connections_total|message_latency_ms) /;
const kFamilies = new URL('../../src/metrics/families.h', import.meta.url);

describe('metrics', () => {
  let server;
  before(async () => {
    server = await startServer({ config: { node: { name: 'node-7', region: 'eu-"west"' } } });
  });
  after(() => server.stop());

  test(
    'promtool_finds_nothing_but_names_that_users_fixed',
    { skip: !kHasPromtool && 'promtool is not installed (Debian package prometheus)' },
    async () => {
      const { body } = await server.request('/metrics');
      const checked = spawnSync('promtool', ['check', 'metrics'], {
        input: body,
        encoding: 'utf8',
      });
      const complaints = `${checked.stdout}${checked.stderr}`.split('\n').filter(Boolean);
      assert.deepEqual(
        complaints.filter((line) => !kUsersNames.test(line)),
        [],
      );
    },
  );

  test('the_text_format_is_told', async () => {
    const { headers } = await server.request('/metrics');
    assert.equal(headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8');
  });

  test('every_family_of_the_table_is_there_with_its_labels', async () => {
    const scrape = await server.metrics();
    const rows = [
      ...readFileSync(kFamilies, 'utf8').matchAll(/X\(k\w+,\s*"([^"]+)",\s*"((?:[^"\\]|\\.)*)"/g),
    ];
    assert.ok(rows.length > 40, 'the table was found');
    const found = (name, labels) =>
      (scrape.samples.get(name) ?? scrape.samples.get(`${name}_bucket`))?.some((sample) =>
        Object.entries(labels).every(([key, value]) => sample.labels[key] === value),
      );
    const missing = rows.filter(([, name, labels]) => {
      const wanted = [...labels.matchAll(/(\w+)=\\"(\w+)\\"/g)].map(([, key, value]) => [
        key,
        value,
      ]);
      return !found(name, Object.fromEntries(wanted));
    });
    assert.deepEqual(
      missing.map(([, name, labels]) => `${name}{${labels}}`),
      [],
    );
  });

  test('the_names_that_users_have_are_kept', async () => {
    const scrape = await server.metrics();
    assert.deepEqual(scrape.samples.get('websocket_connections_total'), [
      { labels: { region: 'eu-\\"west\\"', server_id: 'node-7' }, value: 0 },
    ]);
    assert.deepEqual(
      scrape.samples.get('websocket_messages_total').map(({ labels }) => labels),
      [{ direction: 'inbound' }, { direction: 'outbound' }],
    );
    assert.deepEqual(
      scrape.buckets('websocket_message_latency_ms').map(({ bound }) => bound),
      [1, 5, 10, 25, 50, 100, 250, 500, 1000, Infinity],
    );
    for (const name of [
      'process_resident_memory_bytes',
      'process_open_fds',
      'process_cpu_seconds_total',
    ]) {
      assert.ok(scrape.value(name) > 0, name);
    }
  });

  test('what_transports_do_is_told_apart_and_its_sums_agree', async () => {
    const client = await connect(server);
    await subscribe(client, 'told');
    const scrape = await until(async () => {
      const now = await server.metrics();
      return now.value('millrace_transport_connections', { transport: 'websocket' }) === 1 && now;
    }, 'the connection is counted');
    assert.equal(scrape.value('websocket_connections_total'), 1);
    assert.equal(scrape.value('millrace_connections'), 1);
    for (const direction of ['inbound', 'outbound']) {
      const own = { direction, transport: 'websocket' };
      const messages = scrape.value('websocket_messages_total', { direction });
      assert.ok(messages >= 2, direction);
      assert.equal(scrape.value('millrace_messages_total', own), messages);
      assert.equal(scrape.value('millrace_messages_total', { direction }), messages);
      assert.ok(scrape.value('millrace_bytes_total', own) > 0, direction);
      assert.ok(scrape.value('millrace_bytes_total', { direction, transport: 'http' }) > 0);
    }
    const accepted = { outcome: 'accepted', transport: 'websocket' };
    assert.equal(scrape.value('millrace_handshakes_total', accepted), 1);
    client.disconnect();
    await server.becomesIdle();
  });

  test('messages_and_control_traffic_are_counted_apart', async () => {
    const names = {
      inbound: ['websocket_messages_total', { direction: 'inbound' }],
      outbound: ['websocket_messages_total', { direction: 'outbound' }],
      control: ['millrace_control_messages_total', { direction: 'inbound' }],
      publishes: ['millrace_publishes_total'],
      deliveries: ['millrace_deliveries_total'],
      latencies: ['websocket_message_latency_ms_count'],
    };
    const [from, to] = [await connect(server), await connect(server)];
    const hears = await subscribe(to, 'counted');
    const before = await server.metrics();
    for (let i = 0; i < 10; i++) await from.publish('counted', encode(from, i));
    await hears.publications.take(10);
    from.sockets[0].ping();
    await eventOf(from.sockets[0], 'pong');
    const grown = await until(async () => {
      const scrape = await server.metrics();
      const grownBy = Object.fromEntries(
        Object.entries(names).map(([key, [name, labels]]) => [
          key,
          scrape.value(name, labels) - before.value(name, labels),
        ]),
      );
      return grownBy.latencies >= 10 && grownBy;
    }, 'latencies are counted');
    // Ten commands came; ten replies and ten publications went.
    assert.deepEqual(grown, {
      inbound: 10,
      outbound: 20,
      control: 1,
      publishes: 10,
      deliveries: 10,
      latencies: 10,
    });
    from.disconnect();
    to.disconnect();
    await server.becomesIdle();
  });
});

describe('health', () => {
  let server;
  before(async () => (server = await startServer()));
  after(() => server.stop());

  for (const path of ['/health', '/health/live', '/health/ready']) {
    test(`${path.slice(1).replace('/', '_')}_tells_components_connections_and_memory`, async () => {
      const raw = await RawClient.open(server);
      const { status, body } = await server.health(path);
      assert.equal(status, 200);
      assert.deepEqual(Object.keys(body), ['status', 'components', 'connections', 'memory']);
      assert.equal(body.status, 'ok');
      assert.ok(Object.keys(body.components).length > 0);
      for (const component of Object.values(body.components))
        assert.deepEqual(component, { status: 'ok' });
      assert.equal(body.connections, 1);
      assert.deepEqual(Object.keys(body.memory), ['resident_bytes']);
      assert.ok(body.memory.resident_bytes > 1_000_000);
      await raw.close();
      await server.becomesIdle();
    });
  }

  test('it_is_json', async () => {
    assert.match((await server.request('/health')).headers['content-type'], /^application\/json/);
  });
});

describe('http', () => {
  let server;
  before(async () => (server = await startServer()));
  after(() => server.stop());

  test('unknown_paths_get_404_and_wrong_methods_405', async () => {
    assert.equal((await server.request('/nothing-here')).status, 404);
    const answer = await server.request('/metrics', { method: 'DELETE' });
    assert.equal(answer.status, 405);
    assert.match(answer.headers.allow, /GET/);
  });

  test('head_is_answered_without_a_body', async () => {
    const answer = await server.request('/health', { method: 'HEAD' });
    assert.equal(answer.status, 200);
    assert.equal(answer.body, '');
  });

  test('a_publication_by_http_reaches_subscribers', async () => {
    const client = await connect(server);
    const hears = await subscribe(client, 'news');
    const body = '{"channel":"news","data":{"text": "hello"}}';
    const answer = await server.request('/api/publish', { method: 'POST', body });
    assert.equal(answer.status, 200);
    assert.deepEqual(JSON.parse(answer.body), { result: {} });
    const publication = await hears.publications.next();
    assert.deepEqual(publication.data, { text: 'hello' });
    assert.equal(publication.info, undefined);
    client.disconnect();
    await server.becomesIdle();
  });

  test('health_and_metrics_answer_when_clients_have_used_up_their_connections', async () => {
    const small = await startServer({ config: { client: { connection_limit: 5 } } });
    const clients = await Promise.all(Array.from({ length: 5 }, () => RawClient.open(small)));
    await assert.rejects(RawClient.open(small), /503/);
    assert.equal((await small.health()).status, 200);
    assert.equal(
      (await small.metrics()).value('millrace_handshakes_total', { outcome: 'limit' }),
      1,
    );
    await clients[0].close();
    await until(
      async () => (await small.metrics()).value('millrace_connections') === 4,
      'one has gone',
    );
    clients[0] = await RawClient.open(small);
    await Promise.all(clients.map((client) => client.close()));
    await small.becomesIdle();
    await small.stop();
  });

  test('a_transport_may_have_a_limit_of_its_own', async () => {
    const config = { client: { connection_limit: 5 }, websocket: { connection_limit: 1 } };
    const small = await startServer({ config });
    const only = await RawClient.open(small);
    await assert.rejects(RawClient.open(small), /503/);
    await only.close();
    await small.becomesIdle();
    await (await RawClient.open(small)).close();
    await small.stop();
  });
});

describe('signals', () => {
  for (const signal of ['SIGTERM', 'SIGINT']) {
    test(`${signal.toLowerCase()}_ends_the_server_with_exit_code_0`, async () => {
      const server = await startServer();
      server.kill(signal);
      const how = await server.ended();
      assert.deepEqual(how, { code: 0, signal: null });
    });
  }

  test('sighup_takes_over_a_new_log_level', async () => {
    const server = await startServer({ dev: false, config: { log: { level: 'error' } } });
    assert.doesNotMatch(server.logs(), / info /);
    const config = JSON.parse(readFileSync(server.configFile));
    writeFileSync(server.configFile, JSON.stringify({ ...config, log: { level: 'info' } }));
    server.kill('SIGHUP');
    await until(() => server.logs().includes('configuration reloaded'), 'the new level is used');
    await server.stop();
  });

  test('sighup_names_what_needs_a_restart_and_what_is_wrong_and_the_server_goes_on', async () => {
    const server = await startServer({ dev: false });
    const config = JSON.parse(readFileSync(server.configFile));
    writeFileSync(
      server.configFile,
      JSON.stringify({ ...config, workers: 1, node: { name: 'other' } }),
    );
    server.kill('SIGHUP');
    await until(() => /restart.*node\.name/.test(server.logs()), 'the key is named');
    writeFileSync(server.configFile, '{"client": {"nonsense": 1}}');
    server.kill('SIGHUP');
    await until(() => /not reloaded.*client\.nonsense/.test(server.logs()), 'the mistake is told');
    assert.equal((await server.health()).status, 200);
    await server.stop();
  });
});

describe('listening', () => {
  test('a_port_that_is_taken_gives_one_clear_error_and_exit_code_1', async () => {
    const port = await freePort();
    const holder = net.createServer().listen(port, '127.0.0.1');
    await eventOf(holder, 'listening');
    const file = join(makeFolder(), 'config.json');
    writeFileSync(file, JSON.stringify({ http_server: { address: '127.0.0.1', port } }));
    const { code, stderr, stdout } = await runBinary(['--config', file]);
    holder.close();
    assert.equal(code, 1);
    const errors = `${stdout}${stderr}`.split('\n').filter((line) => /error/.test(line));
    assert.equal(errors.length, 1, `${stdout}${stderr}`);
    assert.ok(errors[0].includes(`127.0.0.1:${port}`), errors[0]);
    assert.match(errors[0], /in use/i);
  });

  test('a_second_server_does_not_join_the_port_of_the_first', async () => {
    const first = await startServer();
    const { code, stderr } = await runBinary(['--config', first.configFile]);
    assert.equal(code, 1);
    assert.match(stderr, /in use/i);
    await first.stop();
  });

  test('a_unix_socket_serves_http_and_websocket', async () => {
    const socketPath = join(makeFolder(), 'millrace.sock');
    const server = await startServer({ config: { http_server: { unix_socket: socketPath } } });
    assert.equal((await request({ socketPath }, '/health')).status, 200);
    const raw = await RawClient.open({ wsUrl: `ws+unix:${socketPath}:/connection/websocket` });
    assert.equal(typeof (await raw.connect()).client, 'string');
    await raw.close();
    await server.becomesIdle();
    await server.stop();
  });

  test('a_unix_socket_that_a_crash_left_behind_is_replaced', async () => {
    const socketPath = join(makeFolder(), 'millrace.sock');
    const crashed = await startServer({ config: { http_server: { unix_socket: socketPath } } });
    crashed.kill('SIGKILL');
    await crashed.ended();
    assert.ok(existsSync(socketPath));
    const server = await startServer({ config: { http_server: { unix_socket: socketPath } } });
    assert.equal((await request({ socketPath }, '/health')).status, 200);
    await server.stop();
  });

  test('ipv6_is_served', { skip: !kHasIpv6 && 'this machine has no IPv6' }, async () => {
    const server = await startServer({ host: '::1' });
    const client = await connect(server);
    const hears = await subscribe(client, 'six');
    await client.publish('six', encode(client, 6));
    assert.equal((await hears.publications.next()).data, 6);
    client.disconnect();
    await server.becomesIdle();
    await server.stop();
  });

  test('the_dev_greeting_tells_what_to_open', async () => {
    const server = await startServer();
    await until(() => server.logs().includes(`open      ${server.url}/`), 'the greeting');
    assert.ok(server.logs().includes(server.wsUrl));
    await server.stop();
  });
});
