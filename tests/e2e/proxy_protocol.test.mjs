// The client's address through a balancer: PROXY headers before HTTP and WebSocket, whole, dribbled,
// malformed, missing, and from those who are not trusted; X-Forwarded-For and Forwarded behind them.
// The server's own log, at debug level, says whose request it took.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';

import { RawSocket, closeClients, frame, handshake, kOpcode } from './clients.mjs';
import { makeFolder, runBinary, startServer } from './harness.mjs';
import { until, withDeadline } from './waiting.mjs';

const kConnect = '{"id":1,"connect":{}}';
const kUntrusted = '127.0.0.2'; // as loopback: another address of the same machine
const kSignature = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');

// Of version 1.
const text = (client) =>
  client.includes(':')
    ? `PROXY TCP6 ${client} 2001:db8::1 50000 443\r\n`
    : `PROXY TCP4 ${client} 192.0.2.1 50000 443\r\n`;

// Of version 2; `tlvs` come behind the addresses.
function binary(client, tlvs = Buffer.alloc(0), { versionAndCommand = 0x21 } = {}) {
  const ports = [0xc3, 0x50, 0x01, 0xbb];
  const block = Buffer.concat([Buffer.from([...client, 192, 0, 2, 1, ...ports]), tlvs]);
  const length = Buffer.from([block.length >> 8, block.length & 0xff]);
  return Buffer.concat([kSignature, Buffer.from([versionAndCommand, 0x11]), length, block]);
}

const kLocal = Buffer.concat([kSignature, Buffer.from([0x20, 0, 0, 0])]);

const get = (path, headers = '') => `GET ${path} HTTP/1.1\r\nHost: a\r\n${headers}\r\n`;

let paths = 0;
const freshPath = () => `/nowhere/${++paths}`;

// The fields of the log line about a request for `path`.
async function logged(server, path) {
  const line = await until(
    () => server.logs().split('\n').find((each) => each.includes(` path=${path} `)),
    `a line about ${path}`,
  );
  return Object.fromEntries(line.split(' ').flatMap((word) => [word.split('=')].filter((pair) => pair.length === 2)));
}

const headers = async (server, outcome) =>
  (await server.metrics()).value('millrace_proxy_headers_total', { outcome });

// What `action` adds to the counter, once it has come.
async function counts(server, outcome, action, by = 1) {
  const atFirst = await headers(server, outcome);
  await action();
  await until(async () => (await headers(server, outcome)) === atFirst + by, `${by} more ${outcome}`);
}

const start = (http_server, socketPath) =>
  startServer({
    socketPath,
    config: { log: { level: 'debug' }, http_server: { unix_socket: socketPath, ...http_server } },
  });

describe('the PROXY protocol', () => {
  let server;
  before(async () => {
    const socketPath = join(makeFolder(), 'direct.sock');
    server = await start(
      { proxy_protocol: true, trusted_proxies: ['127.0.0.1', '203.0.113.0/24'], head_timeout: '1s' },
      socketPath,
    );
  });
  afterEach(async () => {
    closeClients();
    await server.becomesIdle();
  });
  after(() => server.stop());

  // Sends `head`, then a request, and returns who asked, as the server has logged it.
  async function asked(head, more = '') {
    const path = freshPath();
    const raw = await RawSocket.open(server);
    await raw.write(Buffer.concat([Buffer.from(head), Buffer.from(get(path, more))]));
    assert.equal((await raw.head()).status, 404);
    const { client, peer } = await logged(server, path);
    assert.match(peer, /^127\.0\.0\.1:\d+$/, 'the peer stays the balancer');
    return client;
  }

  async function closes(bytes, options) {
    const raw = await RawSocket.open(server, options);
    await raw.write(bytes);
    await withDeadline(raw.ended, 'the server closes');
    assert.equal(raw.buffer.length, 0, 'without a word');
  }

  test('version_1_and_version_2_name_the_client_of_a_request', async () => {
    assert.equal(await asked(text('198.51.100.7')), '198.51.100.7');
    assert.equal(await asked(text('2001:db8:0::7')), '2001:db8::7');
    assert.equal(await asked(binary([198, 51, 100, 8])), '198.51.100.8');
    assert.equal(await asked(binary([198, 51, 100, 9], Buffer.from([4, 0, 2, 1, 2]))), '198.51.100.9');
  });

  test('a_websocket_behind_a_header_that_comes_byte_by_byte_works', async () => {
    for (const head of [text('198.51.100.20'), binary([198, 51, 100, 20])]) {
      const raw = await RawSocket.open(server);
      await raw.drip(head);
      await raw.drip(handshake());
      assert.equal((await raw.head()).status, 101);
      await raw.write(frame(kOpcode.text, kConnect));
      assert.match((await raw.frame()).payload.toString(), /^\{"id":1,"connect":/);
    }
    const seen = () =>
      server.logs().match(/client connects address=198\.51\.100\.20 transport=websocket peer=127\.0\.0\.1:/g);
    await until(() => seen()?.length === 2, 'two clients of this address');
  });

  test('header_and_handshake_and_frames_may_come_at_once', async () => {
    const raw = await RawSocket.open(server);
    await raw.write(
      Buffer.concat([binary([198, 51, 100, 21]), Buffer.from(handshake()), frame(kOpcode.text, kConnect)]),
    );
    assert.equal((await raw.head()).status, 101);
    assert.match((await raw.frame()).payload.toString(), /^\{"id":1,"connect":/);
  });

  test('a_header_may_be_cut_anywhere', async () => {
    const head = binary([198, 51, 100, 22], Buffer.from([4, 0, 2, 1, 2]));
    await counts(
      server,
      'accepted',
      async () => {
        for (let cut = 1; cut < head.length; cut++) {
          const raw = await RawSocket.open(server);
          await raw.write(head.subarray(0, cut));
          await raw.write(Buffer.concat([head.subarray(cut), Buffer.from(get('/health/live'))]));
          assert.equal((await raw.head()).status, 200, `cut at ${cut}`);
          raw.destroy();
        }
      },
      head.length - 1,
    );
  });

  test('a_health_check_of_the_balancer_keeps_its_address', async () => {
    await counts(server, 'local', async () => assert.equal(await asked(kLocal), '127.0.0.1'));
    await counts(server, 'local', async () =>
      assert.equal(await asked('PROXY UNKNOWN\r\n'), '127.0.0.1'),
    );
    await counts(server, 'local', async () =>
      assert.equal(
        await asked(binary([198, 51, 100, 23], undefined, { versionAndCommand: 0x20 })),
        '127.0.0.1',
      ),
    );
  });

  test('a_check_that_only_opens_the_port_is_no_error', async () => {
    await counts(server, 'ended', async () => (await RawSocket.open(server)).destroy());
  });

  test('without_a_header_or_with_a_malformed_one_a_connection_is_closed', async () => {
    for (const bytes of [
      get('/health/live'),
      handshake(),
      Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3, 0, 0, 0, 0, 0]), // TLS
      text('198.51.100.7').replace('\r\n', '\n'),
      text('198.51.100.07'),
      'PROXY TCP4 198.51.100.7 192.0.2.1 50000 65536\r\n',
      `PROXY UNKNOWN ${'x'.repeat(200)}`,
      binary([198, 51, 100, 7], undefined, { versionAndCommand: 0x31 }),
      binary([198, 51, 100, 7], Buffer.from([4, 0, 9, 1])),
      Buffer.concat([kSignature, Buffer.from([0x20, 0, 0xff, 0xff])]),
    ]) {
      await counts(server, 'malformed', () => closes(bytes));
    }
    await until(() => server.logs().includes('no PROXY header peer=127.0.0.1'), 'a line about it');
  });

  test('a_header_that_does_not_end_in_time_is_closed', async () => {
    await counts(server, 'timeout', () => closes(text('198.51.100.7').slice(0, -1)));
  });

  test('from_others_no_header_is_taken', async () => {
    const from = { localAddress: kUntrusted };
    await counts(server, 'untrusted', () => closes(text('198.51.100.7') + get('/health/live'), from));
    await counts(server, 'untrusted', () => closes(get('/health/live'), from));
  });

  test('a_unix_socket_that_is_not_trusted_needs_no_header', async () => {
    const path = freshPath();
    const answer = await server.request(path, { headers: { 'X-Forwarded-For': '198.51.100.7' } });
    assert.equal(answer.status, 404);
    assert.equal((await logged(server, path)).client, 'unix');
  });

  test('what_a_client_says_of_itself_behind_a_header_is_not_believed', async () => {
    assert.equal(await asked(text('198.51.100.7'), 'X-Forwarded-For: 192.0.2.66\r\n'), '198.51.100.7');
    assert.equal(await asked(text('203.0.113.7'), 'X-Forwarded-For: 192.0.2.66\r\n'), '192.0.2.66');
    assert.equal(await asked(kLocal, 'X-Forwarded-For: 192.0.2.66\r\n'), '192.0.2.66');
  });
});

describe('X-Forwarded-For and Forwarded', () => {
  let server;
  before(async () => {
    const socketPath = join(makeFolder(), 'proxy.sock');
    server = await start({ trusted_proxies: ['127.0.0.1', '10.0.0.0/8', 'unix'] }, socketPath);
  });
  afterEach(async () => {
    closeClients();
    await server.becomesIdle();
  });
  after(() => server.stop());

  async function client(more, options) {
    const path = freshPath();
    const raw = await RawSocket.open(server, options);
    await raw.write(get(path, more));
    assert.equal((await raw.head()).status, 404);
    return (await logged(server, path)).client;
  }

  test('are_believed_from_a_trusted_proxy_up_to_the_first_address_that_is_none', async () => {
    assert.equal(await client('X-Forwarded-For: 192.0.2.66, 198.51.100.7, 10.1.2.3\r\n'), '198.51.100.7');
    assert.equal(await client('X-Forwarded-For: 198.51.100.7\r\nX-Forwarded-For: 10.1.2.3\r\n'), '198.51.100.7');
    assert.equal(await client('Forwarded: for="[2001:db8::7]:1", for=10.1.2.3;by="_a"\r\n'), '2001:db8::7');
    assert.equal(await client('X-Forwarded-For: 192.0.2.66, nonsense, 10.1.2.3\r\n'), '10.1.2.3');
    assert.equal(await client(''), '127.0.0.1');
  });

  test('the_address_of_a_client_is_told_with_its_transport', async () => {
    const headers = { 'X-Forwarded-For': '198.51.100.30' };
    const body = kConnect;
    const stream = await RawSocket.open(server);
    await stream.write(
      `POST /connection/http_stream HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 198.51.100.30\r\n` +
        `Content-Length: ${body.length}\r\n\r\n${body}`,
    );
    assert.equal((await stream.head()).status, 200);
    const polled = await server.request('/connection/long_poll', { method: 'POST', headers, body });
    assert.equal(polled.status, 200);
    for (const transport of ['http_stream', 'long_poll']) {
      await until(
        () => server.logs().includes(`client connects address=198.51.100.30 transport=${transport} `),
        `a line about ${transport}`,
      );
    }
    const [first] = polled.body.split('\n');
    const { session, node } = JSON.parse(first).connect;
    const goodbye = JSON.stringify({ session, node, close: true });
    const gone = await server.request('/connection/long_poll/poll', { method: 'POST', body: goodbye });
    assert.equal(gone.status, 204);
  });

  test('are_not_believed_from_others', async () => {
    const from = { localAddress: kUntrusted };
    assert.equal(await client('X-Forwarded-For: 198.51.100.7\r\n', from), kUntrusted);
    assert.equal(await client('Forwarded: for=198.51.100.7\r\n', from), kUntrusted);
  });

  test('are_believed_over_a_trusted_unix_socket', async () => {
    const path = server.socketPath;
    assert.equal(await client('X-Forwarded-For: 198.51.100.7\r\n', { path }), '198.51.100.7');
    assert.equal(await client('', { path }), 'unix');
  });

  test('a_request_that_is_refused_is_logged_with_its_reason', async () => {
    const raw = await RawSocket.open(server, { localAddress: kUntrusted });
    await raw.write('GET / HTTP/1.1\r\n\r\n');
    assert.equal((await raw.head()).status, 400);
    await until(
      () => /request refused status=400 reason=.* client=127\.0\.0\.2 peer=127\.0\.0\.2:\d+/.test(server.logs()),
      'a line about it',
    );
  });
});

test('a_configuration_that_trusts_nobody_or_nonsense_is_refused', async () => {
  for (const [env, words] of [
    [{ MILLRACE_HTTP_SERVER_PROXY_PROTOCOL: 'true' }, /http_server\.proxy_protocol: needs http_server\.trusted/],
    [{ MILLRACE_HTTP_SERVER_TRUSTED_PROXIES: '10.0.0.0/8 10.0.0.1/8' }, /"10\.0\.0\.1\/8" is not an address/],
  ]) {
    const { code, stderr } = await runBinary(['check-config', '--dev'], { env, cwd: makeFolder() });
    assert.equal(code, 2);
    assert.match(stderr, words);
  }
});
