// `millrace bench`: every scenario for a short while against a real server, and against plain
// servers that lose, repeat and hang up, which it has to notice.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { WebSocketServer } from 'ws';

import { freePort, makeFolder, runBinary, startServer } from './harness.mjs';

const kScenarios = [
  ...['connect', 'idle', 'fanout', 'channels'],
  ...['echo', 'publish', 'churn', 'reconnect'],
];
const kShort = ['--warmup', '0.1', '--duration', '1'];
const kTransports = ['http_stream', 'sse', 'long_poll', 'uni_http_stream', 'uni_sse'];
const kHistory = {
  websocket: { compression: true },
  long_poll: { poll_timeout: '1s' },
  channel: {
    without_namespace: { history_size: 1000, history_ttl: '300s', allow_recovery: true },
  },
};

// {code, result, stdout, stderr} of a run whose result is asked for on standard output.
async function bench(scenario, ...args) {
  const words = ['bench', scenario, '--quiet', '--json', '-', ...args].map(String);
  const run = await runBinary(words);
  assert.notEqual(run.stdout, '', run.stderr);
  return { ...run, result: JSON.parse(run.stdout) };
}

function assertClean({ code, result, stderr }) {
  for (const name of ['failed_connections', 'disconnects', 'refused']) {
    assert.equal(result[name], 0, stderr);
  }
  for (const name of ['lost', 'duplicated', 'out_of_order']) {
    assert.equal(result[name] ?? 0, 0, stderr);
  }
  assert.equal(result.problem, undefined);
  assert.equal(code, 0, stderr);
}

function assertLatency({ p50, p90, p99, p999, max }) {
  assert.ok(p50 > 0);
  const rising = [p50, p90, p99, p999, max];
  assert.deepEqual(
    rising,
    rising.toSorted((a, b) => a - b),
  );
}

describe('millrace bench', () => {
  let server;
  let at;
  before(async () => {
    server = await startServer({ config: kHistory });
    at = ['--url', `ws://127.0.0.1:${server.port}/connection/websocket`];
    at.push('--server-pid', server.pid);
  });
  after(async () => {
    await server.becomesIdle();
    await server.stop();
  });

  for (const format of ['json', 'protobuf']) {
    const speaks = ['--format', format];

    test(`fanout_delivers_every_message_to_every_subscriber_in_${format}`, async () => {
      const flow = ['--subscribers', 50, '--publishers', 2, '--window', 4];
      const run = await bench('fanout', ...at, ...speaks, ...kShort, ...flow);
      assertClean(run);
      const { result } = run;
      assert.equal(result.format, format);
      assert.equal(result.connections, 52);
      assert.ok(result.published > 0);
      // At both ends of the measured part a window of messages is under way.
      assert.ok(Math.abs(result.deliveries - result.published * 50) <= 2 * 4 * 50);
      assert.ok(result.seconds >= 1);
      assertLatency(result.latency_us);
      assert.deepEqual(result.server.pids, [server.pid]);
      assert.ok(result.server.cpu_seconds > 0);
      assert.ok(result.server.cpu_ns_per_delivery > 0);
      assert.ok(result.server.rss_after_bytes > 1e6);
    });

    test(`channels_delivers_each_message_to_its_channel_alone_in_${format}`, async () => {
      const spread = ['--channels', 60, '--subscribers', 3, '--connections', 7, '--window', 8];
      const run = await bench('channels', ...at, ...speaks, ...kShort, ...spread);
      assertClean(run);
      const { published, deliveries } = run.result;
      assert.ok(published > 0);
      assert.ok(Math.abs(deliveries - published * 3) <= 2 * 8 * 3);
    });

    test(`publish_counts_round_trips_in_${format}`, async () => {
      const flow = ['--connections', 10, '--window', 3];
      const run = await bench('publish', ...at, ...speaks, ...kShort, ...flow);
      assertClean(run);
      assert.ok(run.result.deliveries > 0);
      assert.ok(Math.abs(run.result.deliveries - run.result.published) <= 30);
      assertLatency(run.result.latency_us);
    });

    test(`reconnect_finds_every_message_once_in_${format}`, async () => {
      const flow = ['--subscribers', 40, '--publish-rate', 50];
      const run = await bench('reconnect', ...at, ...speaks, ...kShort, ...flow);
      assertClean(run);
      assert.equal(run.result.joined, 40 + 1 + 40);
      assert.ok(run.result.deliveries > 0);
      assertLatency(run.result.latency_us);
    });
  }

  for (const transport of kTransports) {
    const over = ['--transport', transport];

    test(`fanout_and_reconnect_over_${transport}_lose_nothing`, async () => {
      const flow = ['--subscribers', 20, '--window', 4];
      const run = await bench('fanout', ...at, ...over, ...kShort, ...flow);
      assertClean(run);
      const { result } = run;
      assert.equal(result.transport, transport);
      assert.ok(result.published > 0);
      assert.ok(Math.abs(result.deliveries - result.published * 20) <= 2 * 4 * 20);
      const storm = ['--subscribers', 20, '--publish-rate', 50];
      assertClean(await bench('reconnect', ...at, ...over, ...kShort, ...storm));
    });
  }

  test('streams_carry_protobuf_too', async () => {
    for (const transport of ['http_stream', 'long_poll']) {
      const over = ['--transport', transport, '--format', 'protobuf', '--subscribers', 5];
      assertClean(await bench('fanout', ...at, ...over, ...kShort));
    }
  });

  test('compression_is_seen_in_the_bytes_that_arrive', async () => {
    const flow = ['--subscribers', 10, '--payload', 4000];
    const plain = await bench('fanout', ...at, ...kShort, ...flow);
    const compressed = await bench('fanout', ...at, ...kShort, ...flow, '--compression');
    assertClean(plain);
    assertClean(compressed);
    assert.equal(plain.result.compression, undefined);
    assert.equal(compressed.result.compression, true);
    assert.ok(plain.result.bytes_per_delivery > 4000);
    assert.ok(compressed.result.bytes_per_delivery < 0.6 * plain.result.bytes_per_delivery);
  });

  test('connect_counts_connections_and_their_time', async () => {
    const run = await bench('connect', ...at, '--connections', 200, '--recoverable');
    assertClean(run);
    assert.equal(run.result.joined, 200);
    assert.equal(run.result.deliveries, undefined);
    assertLatency(run.result.latency_us);
    assert.ok('cpu_us_per_connection' in run.result.server);
    assert.ok('rss_bytes_per_connection' in run.result.server);
  });

  test('connect_at_a_rate_takes_the_time_that_the_rate_says', async () => {
    const run = await bench('connect', ...at, '--connections', 101, '--rate', 100, '--channels', 1);
    assertClean(run);
    assert.equal(run.result.joined, 101);
    assert.ok(run.result.seconds >= 1);
  });

  test('idle_holds_connections', async () => {
    await server.becomesIdle();
    const run = await bench('idle', ...at, ...kShort, '--connections', 100);
    assertClean(run);
    assert.equal(run.result.joined, 100);
    assert.ok('cores_per_million_connections' in run.result.server);
  });

  test('fanout_at_a_rate_publishes_as_many', async () => {
    const run = await bench('fanout', ...at, ...kShort, '--subscribers', 20, '--rate', 200);
    assertClean(run);
    const { published, seconds, rate } = run.result;
    assert.equal(rate, 200);
    assert.ok(published > 0);
    // What was due before the measured part may have been late: some seconds' worth, no more.
    assert.ok(published < 200 * (seconds + 5));
  });

  test('churn_replaces_connections_and_loses_nothing', async () => {
    const come = ['--connections', 30, '--rate', 50, '--publish-rate', 100];
    const run = await bench('churn', ...at, ...kShort, ...come);
    assertClean(run);
    assert.ok(run.result.joined > 31);
    assert.ok(run.result.deliveries > 0);
  });

  test('several_processes_count_as_one', async () => {
    const split = ['--processes', 3, '--source-addresses', 4];
    const flow = ['--subscribers', 20, '--window', 2];
    const run = await bench('fanout', ...at, ...kShort, ...split, ...flow);
    assertClean(run);
    const { result } = run;
    assert.equal(result.generator.processes, 3);
    assert.equal(result.joined, 21);
    assert.ok(Math.abs(result.deliveries - result.published * 20) <= 2 * 2 * 20);
    const many = ['--channels', 40, '--subscribers', 3, '--connections', 5];
    assertClean(await bench('channels', ...at, ...kShort, ...split, ...many));
    assertClean(await bench('reconnect', ...at, ...kShort, ...split, '--subscribers', 20));
  });

  test('prints_a_table_and_writes_json_to_a_file', async () => {
    const file = join(makeFolder(), 'result.json');
    const words = ['bench', 'connect', ...at, '--connections', 5, '--json', file].map(String);
    const { code, stdout } = await runBinary(words);
    assert.equal(code, 0);
    assert.match(stdout, /^connect, centrifuge json\n/);
    assert.match(stdout, /connections made +5\n/);
    assert.match(stdout, /cpu per connection, us/);
    assert.equal(JSON.parse(readFileSync(file, 'utf8')).joined, 5);
  });

  test('shows_progress_unless_it_is_to_be_quiet', async () => {
    const words = ['bench', 'idle', ...at, '--connections', 5, '--warmup', 0, '--duration', 1.5];
    const { stderr } = await runBinary(words.map(String));
    assert.match(stderr, /1 s +measuring +5 connected/);
    assert.equal((await runBinary([...words, '--quiet'].map(String))).stderr, '');
  });

  test('a_channel_that_the_server_refuses_is_told', async () => {
    const run = await bench('idle', ...at, ...kShort, '--connections', 3, '--channel', 'nowhere:x');
    assert.equal(run.code, 1);
    assert.equal(run.result.failed_connections, 3);
    assert.match(run.stderr, /the server refused: .*102/);
  });

  test('a_server_that_is_not_there_is_told', async () => {
    const url = `ws://127.0.0.1:${await freePort()}/`;
    const run = await bench('connect', '--url', url, '--connections', 3);
    assert.equal(run.code, 1);
    assert.equal(run.result.failed_connections, 3);
    assert.match(run.stderr, /Connection refused/);
  });
});

describe('millrace bench and heartbeats', () => {
  test('clients_of_every_transport_answer_pings', async () => {
    const config = { client: { ping_interval: '1s', pong_timeout: '900ms' } };
    const server = await startServer({ config });
    const url = `ws://127.0.0.1:${server.port}/connection/websocket`;
    const idle = ['--url', url, '--connections', 20, '--warmup', 0, '--duration', 4];
    const runs = ['websocket', ...kTransports].map((transport) =>
      bench('idle', ...idle, '--transport', transport),
    );
    for (const run of await Promise.all(runs)) assertClean(run);
    await server.stop();
  });
});

describe('millrace bench with tokens', () => {
  test('clients_get_in_with_a_token_or_with_what_makes_one', async () => {
    const key = 'a secret for the test';
    const server = await startServer({
      dev: false,
      config: {
        client: { token: { hmac_secret_key: key } },
        channel: { without_namespace: { allow_subscribe_for_client: true } },
      },
    });
    const at = ['--url', `ws://127.0.0.1:${server.port}/connection/websocket`, '--connections', 3];
    assertClean(await bench('connect', ...at, '--hmac-secret', key));
    const token = await runBinary(['gen-token', '--config', server.configFile, '--user', 'u']);
    assertClean(await bench('connect', ...at, '--token', token.stdout.trim()));
    const run = await bench('connect', ...at);
    assert.equal(run.code, 1);
    assert.equal(run.result.failed_connections, 3);
    await server.stop();
  });
});

// A plain server that treats what it relays as `relay(number, send)` says.
function plainServer(relay) {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false });
  const subscribers = new Set();
  let number = 0;
  server.on('connection', (socket, { url }) => {
    socket.on('error', () => {});
    if (url === '/sub') {
      subscribers.add(socket);
      socket.on('close', () => subscribers.delete(socket));
    }
    socket.on('message', (data) => {
      if (url === '/echo') return socket.send(data.toString());
      relay(number++, (copies = 1) => {
        for (const one of subscribers) {
          for (let i = 0; i < copies; ++i) one.send(data.toString());
        }
      }, subscribers);
    });
  });
  return new Promise((done) => {
    server.on('listening', () =>
      done({
        at: ['--dialect', 'plain', '--url', `ws://127.0.0.1:${server.address().port}`],
        stop() {
          for (const client of server.clients) client.terminate();
          server.close();
        },
      }),
    );
  });
}

describe('millrace bench against plain servers', () => {
  const flow = [...kShort, '--subscribers', 4, '--rate', 100];
  const against = async (relay, use) => {
    const server = await plainServer(relay);
    try {
      await use(server.at);
    } finally {
      server.stop();
    }
  };

  test('one_that_is_good_gets_a_good_report', () =>
    against(
      (_, send) => send(),
      async (at) => {
        assertClean(await bench('fanout', ...at, ...flow));
        assertClean(await bench('connect', ...at, '--connections', 20));
      },
    ));

  test('one_that_does_not_compress_is_told', () =>
    against(
      (_, send) => send(),
      async (at) => {
        const run = await bench('connect', ...at, '--connections', 2, '--compression');
        assert.equal(run.result.failed_connections, 2);
        assert.match(run.stderr, /the server does not compress/);
      },
    ));

  test('echo_counts_what_comes_back', () =>
    against(
      () => {},
      async (at) => {
        const run = await bench('echo', ...at, ...kShort, '--connections', 5, '--window', 3);
        assertClean(run);
        assert.ok(run.result.deliveries > 0);
        assert.ok(Math.abs(run.result.deliveries - run.result.published) <= 15);
        assertLatency(run.result.latency_us);
      },
    ));

  test('what_one_loses_is_counted', () =>
    against(
      (number, send) => number % 10 === 3 || send(),
      async (at) => {
        const { code, result } = await bench('fanout', ...at, ...flow);
        assert.equal(code, 1);
        assert.ok(result.lost > 0);
        assert.equal(result.lost % 4, 0);
        assert.equal(result.duplicated, 0);
      },
    ));

  test('what_one_loses_at_the_very_end_is_counted', () =>
    against(
      (number, send) => number >= 20 || send(),
      async (at) => {
        const { code, result } = await bench('fanout', ...at, ...flow);
        assert.equal(code, 1);
        assert.ok(result.lost >= result.published * 4 - 80);
      },
    ));

  test('what_one_repeats_is_counted', () =>
    against(
      (number, send) => send(number % 10 === 3 ? 2 : 1),
      async (at) => {
        const { code, result } = await bench('fanout', ...at, ...flow);
        assert.equal(code, 1);
        assert.ok(result.duplicated > 0);
        assert.equal(result.lost, 0);
      },
    ));

  test('what_one_puts_out_of_order_is_counted', () => {
    let held;
    return against(
      (number, send) => {
        if (number % 10 === 3) return (held = send);
        send();
        held = held?.();
      },
      async (at) => {
        const { code, result } = await bench('fanout', ...at, ...flow);
        assert.equal(code, 1);
        assert.ok(result.out_of_order > 0);
        assert.equal(result.duplicated, 0);
      },
    );
  });

  test('whom_one_cuts_off_is_counted', () =>
    against(
      (number, send, subscribers) => {
        if (number === 5) [...subscribers][0].close(4000, 'enough');
        send();
      },
      async (at) => {
        const { code, result, stderr } = await bench('fanout', ...at, ...flow);
        assert.equal(code, 1);
        assert.equal(result.disconnects, 1);
        assert.match(stderr, /4000 enough/);
      },
    ));
});

describe('the command line of millrace bench', () => {
  const refused = async (words, complaint) => {
    const { code, stdout, stderr } = await runBinary(['bench', ...words]);
    assert.equal(code, 2);
    assert.equal(stdout, '');
    assert.equal(stderr, `millrace bench: ${complaint}\nTry: millrace bench --help\n`);
  };

  test('wrong_options_are_told_in_a_line', async () => {
    await refused(['fanout', '--zebra'], 'unknown option --zebra');
    await refused(['connect', '--window', '1'], '--window does not belong to connect');
    await refused(['fanout', '--window', '0'], '--window is a whole number from 1 to 65536');
    await refused(
      ['fanout', '--payload', '8'],
      '--payload is at least 56 bytes: each message carries its number and its time',
    );
    await refused(
      ['idle', '--url', 'wss://example.org/'],
      '--url wss://example.org/: TLS is not spoken; measure behind what terminates it',
    );
  });

  test('a_process_that_is_not_there_is_told', async () => {
    const { code, stderr } = await runBinary(['bench', 'connect', '--server-pid', '999999999']);
    assert.equal(code, 1);
    assert.equal(stderr, 'millrace bench: there is no process 999999999 to be measured\n');
  });

  test('help_names_every_scenario', async () => {
    const { code, stdout } = await runBinary(['bench', '--help']);
    assert.equal(code, 0);
    for (const scenario of kScenarios) assert.match(stdout, new RegExp(`\n    ${scenario} `));
  });

  test('bench_is_the_first_word', async () => {
    const { code, stderr } = await runBinary(['--dev', 'bench']);
    assert.equal(code, 2);
    assert.match(stderr, /bench must be the first word/);
  });
});
