// The command line of bench/compare.

import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { kPeers } from '../peers/index.mjs';
import { kCases } from './cases.mjs';

const kBinary = fileURLToPath(new URL('../../build/release/millrace', import.meta.url));

const listed = (things) =>
  things.map(({ name, title }) => `  ${name.padEnd(13)} ${title}`).join('\n');

export const help = () => `\
Starts Millrace and its peers on this machine, one at a time on a core of its own, lets \`millrace
bench\` load each from another core, and prints what a delivery, a connection, a message costs them.

usage: bench/compare [options]
  --peers A,B           only these (default: all that are here)
  --cases X,Y           only these (default: all)
  --rounds N            how often everything is measured, in turns; medians are shown (default: 3)
  --seconds S           how long a case is measured (default: 4)
  --warmup S            how long before that it runs (default: 1)
  --server-core N       default: 0
  --generator-core N    default: 1
  --binary FILE         the Millrace to measure (default: MILLRACE_BIN, or build/release/millrace)
  --generator FILE      the Millrace whose \`bench\` is the load (default: the same)
  --json FILE           all figures, also of each round
  --check               exit code 1 when a bar of bars.json is not reached
  --setup               installs the peers (Debian and npm packages) and does nothing else
  --list                tells which peers can run here, and why others cannot

peers (CENTRIFUGO=path names a binary of that):
${listed(kPeers)}

cases:
${listed(kCases)}
`;

const kSpec = {
  peers: { type: 'string' },
  cases: { type: 'string' },
  rounds: { type: 'string', default: '3' },
  seconds: { type: 'string', default: '4' },
  warmup: { type: 'string', default: '1' },
  'server-core': { type: 'string', default: '0' },
  'generator-core': { type: 'string', default: '1' },
  binary: { type: 'string' },
  generator: { type: 'string' },
  json: { type: 'string' },
  check: { type: 'boolean', default: false },
  setup: { type: 'boolean', default: false },
  list: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
};

// The things that the words name, in the table's order.
function chosen(words, things, what) {
  if (words === undefined) return things;
  const names = words.split(',').filter(Boolean);
  const unknown = names.find((name) => !things.some((thing) => thing.name === name));
  if (unknown !== undefined) {
    const known = things.map(({ name }) => name).join(', ');
    throw new Error(`no ${what} ${unknown}; there are: ${known}`);
  }
  return things.filter(({ name }) => names.includes(name));
}

function number(values, name, { least, whole = true }) {
  const value = Number(values[name]);
  const good = whole ? Number.isInteger(value) : Number.isFinite(value);
  if (!good || value < least) throw new Error(`--${name} wants a number, at least ${least}`);
  return value;
}

// Throws an Error whose message is one line.
export function parseOptions(args) {
  const { values } = parseArgs({ args, options: kSpec, allowPositionals: false });
  const binary = resolve(values.binary ?? process.env.MILLRACE_BIN ?? kBinary);
  const options = {
    ...values,
    peers: chosen(values.peers, kPeers, 'peer'),
    cases: chosen(values.cases, kCases, 'case'),
    rounds: number(values, 'rounds', { least: 1 }),
    seconds: number(values, 'seconds', { least: 0.1, whole: false }),
    warmup: number(values, 'warmup', { least: 0, whole: false }),
    serverCore: number(values, 'server-core', { least: 0 }),
    generatorCore: number(values, 'generator-core', { least: 0 }),
    binary,
    generator: resolve(values.generator ?? binary),
  };
  if (options.serverCore === options.generatorCore && availableParallelism() > 1) {
    throw new Error('server and generator need a core each');
  }
  return options;
}
