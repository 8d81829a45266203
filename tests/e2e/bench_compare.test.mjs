// bench/compare: it measures a real server, tells what goes wrong, and leaves nothing behind. Where
// figures have to be known, a program stands in for the load generator.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { Figures, judge } from '../../bench/lib/figures.mjs';
import { kBinary, makeFolder } from './harness.mjs';
import { until, withDeadline } from './waiting.mjs';

const kCompare = fileURLToPath(new URL('../../bench/compare', import.meta.url));
const kRunMs = 60_000;
const kGeneratorCore = availableParallelism() > 1 ? 1 : 0;

// Starts bench/compare: {child, done}, done being {code, stdout, stderr}.
function start(args) {
  const { CENTRIFUGO, ...env } = process.env;
  const all = ['--binary', kBinary, '--generator-core', String(kGeneratorCore), ...args];
  const child = spawn(kCompare, all, { env });
  const out = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr']) child[name].on('data', (text) => (out[name] += text));
  const ended = new Promise((done, fail) => {
    child.on('error', fail);
    child.on('close', (code) => done({ code, ...out }));
  });
  return { child, done: withDeadline(ended, `bench/compare ${args.join(' ')}`, kRunMs) };
}

const run = (...args) => start(args).done;

// A program that answers as `millrace bench` does: with one result, or by running `script`. It is
// told {option: value} in `told`, and the file that it writes its result to is told.json.
function standIn(script) {
  const file = join(makeFolder(), 'generator');
  const text = `#!/usr/bin/env node
const fs = require('node:fs');
const told = {};
process.argv.forEach((word, i) => {
  if (word.startsWith('--')) told[word.slice(2)] = process.argv[i + 1];
});
const answer = (result) => fs.writeFileSync(told.json, JSON.stringify(result));
${script}
`;
  writeFileSync(file, text, { mode: 0o755 });
  return file;
}

const answering = (result) => standIn(`answer(${JSON.stringify(result)});`);

const kOnce = ['--peers', 'millrace', '--rounds', '1'];

describe('bench/compare', () => {
  test('a_real_fan_out_costs_something_and_loses_nothing', async () => {
    const json = join(makeFolder(), 'figures.json');
    const short = ['--rounds', '1', '--seconds', '1', '--warmup', '0.2'];
    const asked = ['--peers', 'millrace,raw', '--cases', 'fanout-1', '--json', json];
    const { code, stdout, stderr } = await run(...short, ...asked);
    assert.equal(code, 0, stderr);
    const { figures, bars } = JSON.parse(readFileSync(json, 'utf8'));
    assert.deepEqual(figures.map(({ peer }) => peer), ['raw', 'millrace']);
    for (const { median, notes, deliveries_per_second: rate } of figures) {
      assert.ok(median > 0 && rate > 0, stdout);
      assert.deepEqual(notes, []);
    }
    const bound = bars.find(({ peer }) => peer === 'raw');
    assert.equal(bound.reached, bound.ratio <= bound.bar);
    assert.match(stdout, /Millrace +[\d,.]+ /);
  });

  test('lost_messages_are_told_behind_the_figure', async () => {
    const result = { deliveries: 9, lost: 7, server: { cpu_ns_per_delivery: 500 } };
    const generator = answering(result);
    const { stdout } = await run(...kOnce, '--cases', 'fanout-16', '--generator', generator);
    assert.match(stdout, /Millrace +500 .* 7 lost$/m);
  });

  test('a_run_that_delivers_nothing_has_failed', async () => {
    const generator = answering({ deliveries: 0, server: { cpu_ns_per_delivery: 0 } });
    const asked = ['--cases', 'fanout-1', '--generator', generator];
    const { code, stdout } = await run(...kOnce, ...asked);
    assert.equal(code, 1);
    assert.match(stdout, /failed: nothing was delivered/);
  });

  test('a_generator_that_fails_has_its_last_words_told', async () => {
    const generator = standIn('console.error("no room\\nat all"); process.exit(2);');
    const asked = ['--cases', 'connect', '--generator', generator];
    const { code, stdout } = await run(...kOnce, ...asked);
    assert.equal(code, 1);
    assert.match(stdout, /failed: at all \(exit 2\)/);
  });

  test('a_missed_bar_is_an_error_only_when_bars_are_checked', async () => {
    const withCost = (cost) => answering({ server: { cpu_us_per_connection: cost } });
    const asked = [...kOnce, '--cases', 'connect', '--generator'];
    assert.equal((await run(...asked, withCost(41))).code, 0);
    assert.equal((await run(...asked, withCost(41), '--check')).code, 1);
    assert.equal((await run(...asked, withCost(39), '--check')).code, 0);
  });

  test('a_peer_that_cannot_run_is_listed_with_the_reason', async () => {
    const { code, stdout } = await run('--list', '--peers', 'millrace,centrifugo');
    assert.equal(code, 0);
    assert.match(stdout, /^Millrace: can run here$/m);
    assert.match(stdout, /^Centrifugo: not available: CENTRIFUGO names no binary of it$/m);
  });

  test('unknown_names_and_numbers_are_refused_with_one_line', async () => {
    for (const words of [['--peers', 'nobody'], ['--cases', 'x'], ['--rounds', '0'], ['--what']]) {
      const { code, stderr } = await run(...words);
      assert.equal(code, 2);
      assert.match(stderr, /^compare: .*\n$/);
    }
  });

  test('an_interrupted_comparison_leaves_no_process_behind', async () => {
    const file = join(makeFolder(), 'pids');
    const generator = standIn(`
      fs.writeFileSync(${JSON.stringify(file)} + '.new', told['server-pid'] + ' ' + process.pid);
      fs.renameSync(${JSON.stringify(file)} + '.new', ${JSON.stringify(file)});
      setTimeout(() => {}, 3600e3);`);
    const { child, done } = start([...kOnce, '--cases', 'idle', '--generator', generator]);
    await until(() => existsSync(file), 'the generator runs', kRunMs);
    child.kill('SIGINT');
    assert.equal((await done).code, 130);
    for (const pid of readFileSync(file, 'utf8').split(' ')) {
      await until(() => !existsSync(`/proc/${pid}`), `the end of ${pid}`);
    }
  });
});

describe('the figures of a comparison', () => {
  const which = { name: 'echo' };
  const outcome = (name, round, value) => ({ case: which, peer: { name }, round, value });
  const figures = new Figures([
    ...[100, 400, 210].map((value, round) => outcome('millrace', round, value)),
    ...[100, 200, 100].map((value, round) => outcome('uwebsockets', round, value)),
  ]);

  test('ratios_are_taken_within_a_round_and_then_their_median', () => {
    assert.equal(figures.value('echo', 'millrace'), 210);
    assert.equal(figures.ratio('echo', 'millrace', 'uwebsockets'), 2);
  });

  test('a_bar_is_judged_by_a_peer_that_is_here_else_by_what_is_recorded_of_it', () => {
    const recorded = { nats: { echo: 420 } };
    const bar = (peer, times) => ({ case: 'echo', what: 'echo', times, peer });
    const bars = [bar('uwebsockets', 2), bar('uwebsockets', 1.9), bar('nats', 0.5), bar('ws', 1)];
    const judged = judge(figures, { bars, recorded }, 'millrace', [which]);
    assert.deepEqual(
      judged.map(({ reached, recorded: old, ratio }) => [reached, old, ratio]),
      [
        [true, false, 2],
        [false, false, 2],
        [true, true, 0.5],
        [null, false, null],
      ],
    );
  });
});
