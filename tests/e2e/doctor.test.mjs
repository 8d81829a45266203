// `millrace doctor` on the machine that the tests run on: whatever it is like, the answer fits together.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';

import { makeCertificate } from './certificates.mjs';
import { makeFolder, runBinary } from './harness.mjs';

const doctor = (args, options) => runBinary(['doctor', ...args], options);

// The report of a run that may have so many open files.
async function examined(openFiles, ...args) {
  const run = await doctor(['--json', ...args], { openFiles });
  assert.equal(run.stderr, '');
  const report = JSON.parse(run.stdout);
  const find = (id) => report.findings.find((finding) => finding.id === id);
  return { ...report, code: run.code, find };
}

describe('millrace doctor', () => {
  test('reports_this_machine', async () => {
    const report = await examined();
    assert.equal(report.code, 0);
    const verdicts = new Set(['ok', 'change', 'limit', 'unknown']);
    for (const finding of report.findings) {
      assert.ok(verdicts.has(finding.verdict), finding.id);
      assert.match(finding.now, /./, finding.id);
    }
    const held = report.findings.map((finding) => finding.connections).filter((held) => held !== null);
    assert.equal(report.connections, Math.min(...held));
    assert.equal(report.find(report.connections_limited_by).connections, report.connections);
    const [, total] = readFileSync('/proc/meminfo', 'utf8').match(/^MemTotal: +(\d+) kB$/m);
    assert.ok(report.find('memory').connections * 5_820 < total * 1024);
  });

  test('open_files_of_the_process_limit_it', async () => {
    const report = await examined(1_000);
    assert.equal(report.connections, 744);
    assert.equal(report.connections_limited_by, 'open_files');
    assert.equal(report.find('open_files').now, '1,000 (soft limit 1,000)');
    assert.equal(report.find('open_files').verdict, 'change');
    assert.ok(report.connections_after > 744);
  });

  test('exit_code_says_whether_the_target_is_met', async () => {
    const met = await examined(1_000, '--connections', '744');
    assert.deepEqual([met.code, met.target, met.target_met], [0, 744, true]);
    assert.equal(met.find('open_files').verdict, 'ok');
    const missed = await examined(1_000, '--connections', '745');
    assert.deepEqual([missed.code, missed.target_met], [1, false]);
    assert.match(missed.find('open_files').remedies[0].text, /^\[Service\]\nLimitNOFILE=1100$/);
  });

  test('change_that_it_names_helps', async () => {
    const before = await examined(300, '--connections', '500');
    assert.equal(before.code, 1);
    const shell = before.find('open_files').remedies.find(({ text }) => text.startsWith('ulimit'));
    const after = await examined(Number(shell.text.match(/\d+/)[0]), '--connections', '500');
    assert.equal(after.code, 0);
  });

  test('says_it_in_words', async () => {
    const { code, stdout } = await doctor(['--connections', '2000'], { openFiles: 1_000 });
    assert.equal(code, 1);
    assert.match(stdout, /^ {2}CHANGE {2}open files of a process +1,000 \(soft limit 1,000\)$/m);
    assert.match(stdout, /^ +LimitNOFILE=2300$/m);
    assert.match(stdout, /65,535\s+is\s+not\s+a\s+limit\s+of\s+a\s+server/);
    assert.match(stdout, /This\s+machine\s+can\s+hold\s+about\s+744\s+connections/);
    assert.match(stdout, /^Wanted: 2,000\. It cannot hold them as it is; after the changes/m);
  });

  test('judges_the_configuration_that_serve_would_read', async () => {
    const file = join(makeFolder(), 'millrace.toml');
    writeFileSync(file, 'open_files_reserve = 500\n[client]\nconnection_limit = 100\n');
    const report = await examined(1_000, '--config', file, '--connections', '501');
    assert.equal(report.find('open_files').connections, 500);
    assert.equal(report.find('connection_limit').connections, 100);
    assert.equal(report.connections, 100);
    assert.equal(report.code, 1);
    writeFileSync(file, 'unknown = 1\n');
    assert.equal((await doctor(['--config', file])).code, 2);
  });

  test('counts_the_memory_of_TLS_where_the_configuration_has_it', async () => {
    const { cert, key } = makeCertificate('ecdsa');
    const file = join(makeFolder(), 'millrace.json');
    const judged = async (enabled) => {
      const tls = { enabled, cert_pem: cert, key_pem: key };
      writeFileSync(file, JSON.stringify({ http_server: { tls } }));
      const report = await examined(1_000, '--config', file);
      assert.equal(report.tls, enabled);
      return report.find('memory');
    };
    const [plain, secure] = [await judged(false), await judged(true)];
    assert.match(secure.explanation, /of them for TLS/);
    assert.doesNotMatch(plain.explanation, /TLS/);
    // What is free may change between the two.
    assert.ok(secure.connections < plain.connections / 2);
  });

  test('mistakes_are_told', async () => {
    for (const target of ['0', 'many', '-5', '1000000001']) {
      const { code, stdout, stderr } = await doctor(['--connections', target]);
      assert.deepEqual([code, stdout], [2, '']);
      assert.match(stderr, /^millrace: /);
    }
  });
});
