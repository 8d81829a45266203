// TLS in process: real clients of every kind, certificates that change, and peers that do not keep
// to it.

import assert from 'node:assert/strict';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import net from 'node:net';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import tls from 'node:tls';

import { WebSocket } from 'ws';

import { makeCertificate } from './certificates.mjs';
import { RawClient, closeClients, connect, encode, subscribe } from './clients.mjs';
import { makeFolder, request, runBinary, startServer } from './harness.mjs';
import { Inbox, eventOf, until, withDeadline } from './waiting.mjs';

const ecdsa = makeCertificate('ecdsa');
const rsa = makeCertificate('rsa');
const ca = [ecdsa.cert, rsa.cert];
const kRsaOnly = { sigalgs: 'RSA-PSS+SHA256:RSA+SHA256' };

const kBoth = {
  cert_pem: ecdsa.certFile,
  key_pem: ecdsa.keyFile,
  second_cert_pem: rsa.certFile,
  second_key_pem: rsa.keyFile,
};

// The harness asks over a unix socket, which stays plain.
async function startTls(settings = kBoth, { http_server = {}, openFiles, ...config } = {}) {
  const socketPath = join(makeFolder(), 's');
  const server = await startServer({
    socketPath,
    openFiles,
    config: {
      http_server: { unix_socket: socketPath, tls: { enabled: true, ...settings }, ...http_server },
      ...config,
    },
  });
  server.wsUrl = server.wsUrl.replace('ws://', 'wss://');
  return server;
}

const to = (server, options) => ({ host: server.host, port: server.port, ca, ...options });

// A connection with its handshake done.
async function secure(server, options) {
  const socket = tls.connect(to(server, options));
  const failed = new Promise((_, reject) => socket.once('error', reject));
  await withDeadline(
    Promise.race([new Promise((done) => socket.once('secureConnect', done)), failed]),
    'a TLS handshake',
  );
  return socket;
}

function ask(server, path, { body = '', ...options } = {}) {
  return withDeadline(
    new Promise((done, fail) => {
      const asked = https.request({ ...to(server), path, agent: false, ...options }, (answer) => {
        const chunks = [];
        answer.on('data', (chunk) => chunks.push(chunk));
        answer.on('end', () =>
          done({ status: answer.statusCode, body: Buffer.concat(chunks).toString() }),
        );
      });
      asked.on('error', fail);
      asked.end(body);
    }),
    path,
  );
}

async function shownBy(server, options) {
  const socket = await secure(server, options);
  const name = socket.getPeerCertificate().subject.CN;
  socket.destroy();
  return name;
}

const handshakes = async (server, outcome) =>
  (await server.metrics()).value('millrace_tls_handshakes_total', { outcome });

afterEach(closeClients);

describe('TLS in process', () => {
  let server;
  before(async () => {
    server = await startTls(kBoth, {
      channel: { without_namespace: { history_size: 100, history_ttl: '60s' } },
    });
  });
  after(async () => {
    await server.becomesIdle();
    await server.stop();
  });

  test('requests_are_answered_over_https', async () => {
    const answer = await ask(server, '/health');
    assert.equal(answer.status, 200);
    assert.equal(JSON.parse(answer.body).status, 'ok');
  });

  test('large_bodies_go_both_ways_over_https', async () => {
    const data = 'x'.repeat(200_000);
    for (let i = 0; i < 10; i += 1) {
      const body = JSON.stringify({ channel: 'large', data: `${i}${data}` });
      assert.equal((await ask(server, '/api/publish', { method: 'POST', body })).status, 200);
    }
    const body = JSON.stringify({ channel: 'large', limit: 100 });
    const answer = await ask(server, '/api/history', { method: 'POST', body });
    const { publications } = JSON.parse(answer.body).result;
    assert.deepEqual(
      publications.map((publication) => publication.data),
      Array.from({ length: 10 }, (_, i) => `${i}${data}`),
    );
  });

  test('messages_go_both_ways_over_wss', async () => {
    const client = await RawClient.open(server, { ca });
    client.send('{"id":1,"connect":{}}\n{"id":2,"subscribe":{"channel":"raw"}}');
    assert.ok(JSON.parse(await client.messages.next()).connect);
    assert.ok(JSON.parse(await client.messages.next()).subscribe);
    client.send('{"id":3,"publish":{"channel":"raw","data":{"n":1}}}');
    const got = [JSON.parse(await client.messages.next()), JSON.parse(await client.messages.next())];
    assert.ok(got.some(({ push }) => push?.pub.data.n === 1));
  });

  for (const protocol of ['json', 'protobuf']) {
    test(`the_official_client_speaks_${protocol}_over_wss`, async () => {
      class Socket extends WebSocket {
        constructor(address, protocols) {
          super(address, protocols, { ca });
        }
      }
      const options = { protocol, websocket: Socket };
      const [ann, bob] = [await connect(server, options), await connect(server, options)];
      const hears = await subscribe(bob, `official-${protocol}`);
      await ann.publish(`official-${protocol}`, encode(ann, { text: 'hello' }));
      assert.deepEqual((await hears.publications.next()).data, { text: 'hello' });
    });
  }

  for (const version of ['TLSv1.2', 'TLSv1.3']) {
    const only = { minVersion: version, maxVersion: version };
    test(`${version}_is_spoken_with_either_certificate`.replaceAll('.', '_'), async () => {
      const socket = await secure(server, only);
      assert.equal(socket.getProtocol(), version);
      socket.destroy();
      assert.equal(await shownBy(server, only), 'ecdsa');
      assert.equal(await shownBy(server, { ...only, ...kRsaOnly }), 'rsa');
    });

    test(`a_session_of_${version}_is_resumed_by_any_core`.replaceAll('.', '_'), async () => {
      const first = tls.connect(to(server, only));
      const tickets = new Inbox('a ticket');
      first.on('session', (session) => tickets.push(session));
      const session = await tickets.next();
      first.destroy();
      const before = await handshakes(server, 'resumed');
      for (let i = 0; i < 8; i += 1) {
        const again = await secure(server, { ...only, session });
        assert.ok(again.isSessionReused());
        const closed = eventOf(again, 'close');
        again.resume().end();
        await closed;
      }
      assert.equal(await handshakes(server, 'resumed'), before + 8);
    });
  }

  test('TLS_1_1_is_refused', async () => {
    const before = await handshakes(server, 'failed');
    const old = { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' };
    await assert.rejects(secure(server, old));
    await until(async () => (await handshakes(server, 'failed')) === before + 1, 'it is counted');
  });

  test('http_1_1_is_negotiated_and_nothing_else', async () => {
    const socket = await secure(server, { ALPNProtocols: ['h2', 'http/1.1'] });
    assert.equal(socket.alpnProtocol, 'http/1.1');
    socket.destroy();
    await assert.rejects(secure(server, { ALPNProtocols: ['h2'] }));
  });

  test('plain_http_to_the_port_is_told_so', async () => {
    const answer = await request({ host: server.host, port: server.port }, '/health');
    assert.equal(answer.status, 400);
    assert.match(answer.body, /https:\/\//);
    assert.ok((await handshakes(server, 'plain_http')) > 0);
  });

  test('a_pipelined_half_closed_request_is_answered_and_ended_with_a_goodbye', async () => {
    const socket = await secure(server, { allowHalfOpen: true });
    const got = [];
    socket.on('data', (data) => got.push(data));
    const ended = eventOf(socket, 'end');
    socket.end('GET /health HTTP/1.1\r\nHost: x\r\n\r\nGET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n');
    await ended; // without a goodbye it would be an error
    assert.match(Buffer.concat(got).toString(), /^HTTP\/1\.1 200 [^]*HTTP\/1\.1 404 /);
    socket.destroy();
  });

  test('connections_are_counted_by_version', async () => {
    const gauge = async () => (await server.metrics()).value('millrace_tls_connections');
    const counted = async () =>
      (await server.metrics()).value('millrace_tls_versions_total', { version: '1.2' });
    await until(async () => (await gauge()) === 0, 'the others have gone');
    const before = await counted();
    const socket = await secure(server, { maxVersion: 'TLSv1.2' });
    assert.equal(await gauge(), 1);
    assert.equal(await counted(), before + 1);
    socket.destroy();
    await until(async () => (await gauge()) === 0, 'it has gone');
  });
});

test('a_stalled_handshake_is_closed', async () => {
  const server = await startTls(kBoth, { http_server: { head_timeout: '200ms' } });
  // Of one that says nothing, and one that stops in the middle of its first record.
  for (const bytes of [[], [0x16, 0x03, 0x01, 0x02, 0x00, 0x01]]) {
    const socket = net.connect({ host: server.host, port: server.port });
    const ended = eventOf(socket, 'close');
    socket.resume();
    if (bytes.length > 0) socket.write(Buffer.from(bytes));
    await ended;
  }
  await until(async () => (await handshakes(server, 'abandoned')) === 2, 'both are counted');
  await server.stop();
});

test('a_client_that_is_shut_out_is_told_so_inside_TLS', async () => {
  const server = await startTls(kBoth, { client: { connection_limit: 1 } });
  const first = await RawClient.open(server, { ca });
  await assert.rejects(RawClient.open(server, { ca }), /503/);
  first.socket.terminate();
  await server.stop();
});

describe('a server without room', () => {
  const kAsk = 'GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n';
  const sockets = [];
  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.destroy();
  });

  const visit = (to, bytes) => {
    const socket = net.connect(to);
    sockets.push(socket);
    if (bytes) socket.write(bytes);
    return socket;
  };
  const firstLine = async (socket) => (await eventOf(socket, 'data')).toString().split('\r\n')[0];

  async function startFull(http_server = {}) {
    const server = await startTls(kBoth, {
      workers: 1,
      open_files_reserve: 60,
      openFiles: 200,
      http_server: { head_timeout: '60s', ...http_server },
    });
    while ((await firstLine(visit({ path: server.socketPath }, kAsk))) === 'HTTP/1.1 200 OK') {
      assert.ok(sockets.length < 200);
    }
    return server;
  }

  test('says_so_inside_TLS_also_when_the_handshake_is_slow', async () => {
    const server = await startFull();
    const slow = visit({ host: server.host, port: server.port });
    await eventOf(slow, 'connect');
    // Who is silent is answered when it is late: the other one has not begun by then.
    assert.match(await firstLine(visit({ path: server.socketPath })), / 503 /);
    const socket = await secure(server, { socket: slow });
    socket.write(kAsk);
    assert.match(await firstLine(socket), / 503 /);
    await server.stop();
  });

  test('says_so_inside_TLS_behind_the_PROXY_protocol', async () => {
    const server = await startFull({ proxy_protocol: true, trusted_proxies: ['127.0.0.1'] });
    const header = 'PROXY TCP4 192.0.2.7 192.0.2.8 4711 443\r\n';
    const socket = await secure(server, { socket: visit({ host: server.host, port: server.port }, header) });
    socket.write(kAsk);
    assert.match(await firstLine(socket), / 503 /);
    await server.stop();
  });
});

test('the_header_of_the_PROXY_protocol_comes_before_the_handshake', async () => {
  const server = await startTls(kBoth, {
    http_server: { proxy_protocol: true, trusted_proxies: ['127.0.0.1'] },
  });
  const wire = net.connect({ host: server.host, port: server.port });
  wire.write('PROXY TCP4 192.0.2.7 192.0.2.8 4711 443\r\n');
  const socket = await secure(server, { socket: wire });
  const got = new Inbox('an answer');
  socket.on('data', (data) => got.push(data.toString()));
  socket.write('GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n');
  assert.match(await got.next(), /^HTTP\/1\.1 200 /);
  socket.destroy();
  await server.stop();
});

describe('SIGHUP', () => {
  // Files of a test's own, to be overwritten.
  function makeFiles(certificate) {
    const folder = makeFolder();
    const files = { cert_pem: join(folder, 'cert.pem'), key_pem: join(folder, 'key.pem') };
    copyFileSync(certificate.certFile, files.cert_pem);
    copyFileSync(certificate.keyFile, files.key_pem);
    return files;
  }

  test('changed_files_are_used_for_new_connections_and_old_ones_stay', async () => {
    const files = makeFiles(ecdsa);
    const server = await startTls(files, { workers: 2 });
    const old = await RawClient.open(server, { ca });
    const first = tls.connect(to(server));
    const tickets = new Inbox('a ticket');
    first.on('session', (session) => tickets.push(session));
    const session = await tickets.next();
    first.destroy();
    const next = makeCertificate('ecdsa', 'next');
    copyFileSync(next.certFile, files.cert_pem);
    copyFileSync(next.keyFile, files.key_pem);
    server.kill('SIGHUP');
    const trusting = { ca: [next.cert], rejectUnauthorized: false };
    // Every core has heard of it when none of several connections is shown the old one.
    await until(async () => {
      for (let i = 0; i < 8; i += 1) if ((await shownBy(server, trusting)) !== 'next') return false;
      return true;
    }, 'the new certificate is shown');
    const resumed = await secure(server, { session });
    assert.ok(resumed.isSessionReused());
    resumed.destroy();
    old.send('{"id":1,"connect":{}}');
    assert.ok(JSON.parse(await old.messages.next()).connect);
    old.socket.terminate();
    await server.stop();
  });

  test('bad_files_are_told_and_the_certificate_stays', async () => {
    const files = makeFiles(ecdsa);
    const server = await startTls(files);
    copyFileSync(rsa.keyFile, files.key_pem);
    server.kill('SIGHUP');
    await until(() => /not reloaded.*http_server\.tls\.key_pem.*key\.pem/.test(server.logs()), 'it is told');
    assert.equal(await shownBy(server), 'ecdsa');
    writeFileSync(files.cert_pem, 'nonsense');
    server.kill('SIGHUP');
    await until(() => /http_server\.tls\.cert_pem.*no certificate/.test(server.logs()), 'it is told');
    assert.equal(await shownBy(server), 'ecdsa');
    await server.stop();
  });

  test('a_changed_key_is_taken_over_and_turning_TLS_off_needs_a_restart', async () => {
    const server = await startTls({ cert_pem: ecdsa.certFile, key_pem: ecdsa.keyFile });
    const config = JSON.parse(readFileSync(server.configFile));
    config.http_server.tls = { enabled: true, cert_pem: rsa.cert, key_pem: rsa.key };
    writeFileSync(server.configFile, JSON.stringify(config));
    server.kill('SIGHUP');
    await until(async () => (await shownBy(server)) === 'rsa', 'the other certificate is shown');
    config.http_server.tls.enabled = false;
    writeFileSync(server.configFile, JSON.stringify(config));
    server.kill('SIGHUP');
    await until(() => /restart.*http_server\.tls\.enabled/.test(server.logs()), 'the key is named');
    assert.equal(await shownBy(server), 'rsa');
    await server.stop();
  });
});

describe('configuration of TLS', () => {
  const check = (settings) => {
    const file = join(makeFolder(), 'config.json');
    writeFileSync(file, JSON.stringify({ http_server: { tls: { enabled: true, ...settings } } }));
    return runBinary(['check-config', '--config', file]);
  };

  test('good_certificates_pass', async () => {
    const { code, stderr } = await check(kBoth);
    assert.equal(code, 0, stderr);
  });

  for (const [what, settings, complaint] of [
    ['no_certificate', {}, /http_server\.tls\.cert_pem: is missing/],
    ['a_file_that_is_not_there', { ...kBoth, cert_pem: '/no/where.pem' }, /cert_pem: .*\/no\/where\.pem/],
    ['a_key_of_another_certificate', { ...kBoth, key_pem: rsa.keyFile }, /key_pem: .*does not fit/],
    [
      'two_of_one_kind',
      { ...kBoth, second_cert_pem: ecdsa.certFile, second_key_pem: ecdsa.keyFile },
      /second_key_pem: .*same kind/,
    ],
    ['an_unknown_version', { ...kBoth, min_version: '1.1' }, /min_version/],
  ]) {
    test(`${what}_is_an_error_with_the_key`, async () => {
      const { code, stderr } = await check(settings);
      assert.equal(code, 2);
      assert.match(stderr, complaint);
    });
  }
});
