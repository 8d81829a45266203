// Keys of session tickets that several processes share: a client of one resumes with the other, and
// after a restart, and while keys are rotated. The client is OpenSSL's.

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';

import { makeCertificate } from './certificates.mjs';
import { makeFolder, runBinary, startServer } from './harness.mjs';
import { until, withDeadline } from './waiting.mjs';

const certificate = makeCertificate('ecdsa');
const kVersions = ['tls1_2', 'tls1_3'];

// A file with a new key.
function makeKey(bytes = 80) {
  const file = join(makeFolder(), 'ticket.key');
  writeFileSync(file, randomBytes(bytes), { mode: 0o600 });
  return file;
}

const settingsOf = (files) => ({
  enabled: true,
  cert_pem: certificate.certFile,
  key_pem: certificate.keyFile,
  session_ticket_key_files: files,
});

// The harness asks over a unix socket, which stays plain.
function startNode(files) {
  const socketPath = join(makeFolder(), 's');
  const http_server = { unix_socket: socketPath, tls: settingsOf(files) };
  return startServer({ socketPath, config: { workers: 2, http_server } });
}

// One request of `openssl s_client`: how the session began, "New" or "Reused". It keeps its session
// in `out`, and brings the one of `session`.
async function visit(server, version, { out, session } = {}) {
  const words = ['s_client', '-connect', `${server.host}:${server.port}`, `-${version}`, '-ign_eof'];
  words.push('-CAfile', certificate.certFile, '-verify_return_error');
  if (out) words.push('-sess_out', out);
  if (session) words.push('-sess_in', session);
  const child = spawn('openssl', words);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output += text));
  const ended = new Promise((done, fail) => {
    child.on('error', fail);
    child.on('close', done);
  });
  // The answer comes behind the ticket.
  child.stdin.end('GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  await withDeadline(ended, 'the end of a visit', 15_000);
  assert.match(output, /HTTP\/1\.1 200 /);
  return /^(New|Reused), TLS/m.exec(output)[1];
}

async function sessionOf(server, version) {
  const out = join(makeFolder(), 'session.pem');
  assert.equal(await visit(server, version, { out }), 'New');
  return out;
}

// The key's name is what a ticket begins with.
function nameOf(session) {
  const text = execFileSync('openssl', ['sess_id', '-in', session, '-noout', '-text']).toString();
  return /TLS session ticket:\s+0000 - ([0-9a-f -]+?)   /.exec(text)[1];
}

describe('session tickets', () => {
  for (const version of kVersions) {
    for (const bytes of [80, 48]) {
      test(`of_one_node_resume_with_another_by_a_shared_key_of_${bytes}_bytes_and_${version}`, async () => {
        const key = makeKey(bytes);
        const [one, two] = [await startNode([key]), await startNode([key])];
        const session = await sessionOf(one, version);
        assert.equal(await visit(two, version, { session }), 'Reused');
        const resumed = (await two.metrics()).value('millrace_tls_handshakes_total', { outcome: 'resumed' });
        assert.equal(resumed, 1);
        await one.stop();
        await two.stop();
      });
    }

    test(`of_nodes_with_keys_of_their_own_do_not_with_${version}`, async () => {
      const [one, two] = [await startNode([]), await startNode([makeKey()])];
      const session = await sessionOf(one, version);
      assert.equal(await visit(one, version, { session }), 'Reused');
      assert.equal(await visit(two, version, { session }), 'New');
      await one.stop();
      await two.stop();
    });
  }

  test('are_good_after_a_restart', async () => {
    const key = makeKey();
    const before = await startNode([key]);
    const session = await sessionOf(before, 'tls1_3');
    await before.stop();
    const after = await startNode([key]);
    assert.equal(await visit(after, 'tls1_3', { session }), 'Reused');
    await after.stop();
  });

  test('live_through_a_rotation_and_not_beyond_it', async () => {
    const [current, previous] = [makeKey(), makeKey()];
    const server = await startNode([current, previous]);
    const rotate = async (times) => {
      copyFileSync(current, previous);
      copyFileSync(makeKey(), current);
      server.kill('SIGHUP');
      const reloads = () => server.logs().match(/configuration reloaded/g)?.length;
      await until(() => reloads() === times, 'the configuration is reloaded');
    };
    const first = await sessionOf(server, 'tls1_3');
    await rotate(1);
    const second = join(makeFolder(), 'session.pem');
    // What is posted to the cores by a reload may come after a connection.
    await until(async () => {
      assert.equal(await visit(server, 'tls1_3', { session: first, out: second }), 'Reused');
      const fresh = await sessionOf(server, 'tls1_3');
      return nameOf(fresh) === nameOf(second) && nameOf(second) !== nameOf(first);
    }, 'tickets are made by the new key');
    await rotate(2);
    await until(
      async () => (await visit(server, 'tls1_3', { session: first })) === 'New',
      'the first key is forgotten',
    );
    assert.equal(await visit(server, 'tls1_3', { session: second }), 'Reused');
    await server.stop();
  });

  test('keep_their_keys_when_a_file_is_not_good', async () => {
    const key = makeKey();
    const server = await startNode([key]);
    const session = await sessionOf(server, 'tls1_3');
    writeFileSync(key, randomBytes(79));
    server.kill('SIGHUP');
    const told = /not reloaded.*session_ticket_key_files.*80 or 48 bytes/;
    await until(() => told.test(server.logs()), 'it is told');
    assert.equal(await visit(server, 'tls1_3', { session }), 'Reused');
    await server.stop();
  });
});

describe('configuration of session ticket keys', () => {
  const check = (files) => {
    const file = join(makeFolder(), 'config.json');
    writeFileSync(file, JSON.stringify({ http_server: { tls: settingsOf(files) } }, null, 1));
    return runBinary(['check-config', '--config', file]);
  };

  test('good_ones_pass_without_a_word_of_them', async () => {
    const { code, stderr } = await check([makeKey(), makeKey(48)]);
    assert.equal(code, 0, stderr);
    assert.doesNotMatch(stderr, /session_ticket/);
  });

  test('one_that_everybody_can_read_is_a_warning', async () => {
    const key = makeKey();
    chmodSync(key, 0o644);
    const { code, stderr } = await check([key]);
    assert.equal(code, 0, stderr);
    assert.match(stderr, /warning: http_server\.tls\.session_ticket_key_files: .*chmod 600/);
  });

  test('one_of_another_size_is_an_error_with_key_and_line', async () => {
    const { code, stderr } = await check([makeKey(), makeKey(64)]);
    assert.equal(code, 2);
    assert.match(stderr, /config\.json:\d+:\d+: error: http_server\.tls\.session_ticket_key_files: .*80 or 48/);
  });
});
