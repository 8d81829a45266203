// bench/compare, from its command line to its exit code: 0, or 1 when a peer that is here could not
// be measured (with --check also when a bar is not reached), or 2 for options that make no sense.

import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, release } from 'node:os';

import { kPeers } from '../peers/index.mjs';
import { Figures, judge } from './figures.mjs';
import { help, parseOptions } from './options.mjs';
import { endEverythingAtExit } from './processes.mjs';
import { barTable, caseTable, shown } from './report.mjs';
import { complaints, Runner } from './runner.mjs';
import { setUp } from './setup.mjs';
import { median } from './statistics.mjs';

const kSubject = 'millrace';
const kBusyCores = 0.1; // used by others, from which on figures are called rough
const kBars = JSON.parse(readFileSync(new URL('../bars.json', import.meta.url), 'utf8'));

function machine() {
  const models = cpus();
  return {
    cpu: models[0]?.model.trim() ?? 'unknown',
    cores: models.length,
    kernel: release(),
    node: process.version,
    load: loadavg()[0],
  };
}

function progress({ case: which, peer, round, value, error, results }) {
  const said = error === undefined ? `${shown(value)} ${which.unit}` : `failed: ${error}`;
  const complaint = results ? complaints(results) : '';
  const turn = `round ${round + 1}  ${which.name.padEnd(13)} ${peer.name.padEnd(12)}`;
  console.error(`${turn} ${said}${complaint && `; ${complaint}`}`);
}

function printAbsent(absent) {
  for (const { peer, why } of absent) console.log(`${peer.title}: not available: ${why}`);
}

function list(runner) {
  for (const peer of runner.peers) console.log(`${peer.title}: can run here`);
  printAbsent(runner.absent);
}

function report(runner, options, judged, figures) {
  const titles = new Map(kPeers.map(({ name, title }) => [name, title]));
  const here = machine();
  const busy = median(runner.busy);
  console.log(
    `${new Date().toISOString().slice(0, 10)}, ${here.cores} × ${here.cpu}, ` +
      `Linux ${here.kernel}; ${options.rounds} rounds of ${options.seconds} s; less is better\n`,
  );
  for (const which of options.cases) {
    const rows = runner.peers.map((peer) => figures.row(which, peer)).filter(Boolean);
    if (rows.length > 0) console.log(caseTable(which, rows, titles));
  }
  if (judged.length > 0) console.log(`${barTable(judged)}\n`);
  printAbsent(runner.absent);
  if (busy > kBusyCores) {
    console.log(`Others used ${busy.toFixed(2)} cores of the machine: the figures are rough.`);
  }
}

function writeJson(runner, options, judged, figures) {
  const rowsOf = (which) => runner.peers.map((peer) => figures.row(which, peer));
  const document = {
    date: new Date().toISOString(),
    machine: machine(),
    rounds: options.rounds,
    seconds: options.seconds,
    warmup: options.warmup,
    busy_cores: median(runner.busy),
    figures: options.cases.flatMap(rowsOf).filter(Boolean),
    bars: judged,
    not_available: runner.absent.map(({ peer, why }) => ({ peer: peer.name, why })),
  };
  writeFileSync(options.json, `${JSON.stringify(document, null, 2)}\n`);
}

async function compare(options) {
  endEverythingAtExit();
  const runner = new Runner(options, progress);
  runner.findPeers();
  if (options.list) {
    list(runner);
    return 0;
  }
  await runner.run();
  if (runner.outcomes.length === 0) {
    printAbsent(runner.absent);
    console.error('compare: nothing to measure');
    return 1;
  }
  const figures = new Figures(runner.outcomes);
  const measured = runner.peers.some(({ name }) => name === kSubject);
  const judged = measured ? judge(figures, kBars, kSubject, options.cases) : [];
  report(runner, options, judged, figures);
  if (options.json) writeJson(runner, options, judged, figures);
  const failed = runner.outcomes.some(({ error }) => error !== undefined);
  const short = options.check && judged.some(({ reached }) => reached === false);
  return failed || short ? 1 : 0;
}

export async function main(args) {
  let options;
  try {
    options = parseOptions(args);
  } catch (error) {
    console.error(`compare: ${error.message}`);
    return 2;
  }
  if (options.help) {
    process.stdout.write(help());
    return 0;
  }
  if (options.setup) return setUp() ? 0 : 1;
  return compare(options);
}
