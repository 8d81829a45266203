// Rounds of measurements: every peer's turn at a case comes right after the others', so that what
// else changes on the machine changes for all.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { kReference } from '../peers/index.mjs';
import { kCalibration, messagesPerSecond } from './cases.mjs';
import { busyCores, makeFolder, Process } from './processes.mjs';

const kGeneratorMs = 180_000; // beyond the time that it measures

export class Runner {
  // `progress` is told a line for each turn.
  constructor(options, progress) {
    this.options = options;
    this.progress = progress;
    this.folder = makeFolder();
    this.carried = new Map(); // peer -> messages per second of the calibrating run
    this.busy = []; // cores that others used, before each turn
    this.outcomes = []; // {case, peer, round, value, results} or {…, error}
    this.runs = 0;
    this.peers = [];
    this.absent = []; // {peer, why}
  }

  host() {
    return { core: this.options.serverCore, folder: this.folder, binary: this.options.binary };
  }

  // Sorts out who cannot run here.
  findPeers() {
    for (const peer of this.options.peers) {
      const why = peer.missing(this.host());
      if (why === null) this.peers.push(peer);
      else this.absent.push({ peer, why });
    }
  }

  async run() {
    const { rounds, cases } = this.options;
    for (let round = 0; round < rounds; ++round) {
      for (const which of cases) {
        for (const peer of this.inTurn(round)) {
          if (peer.can.includes(which.can)) await this.takeTurn(which, peer, round);
        }
      }
    }
  }

  // The peers, each round beginning with another one.
  inTurn(round) {
    const first = round % Math.max(1, this.peers.length);
    return [...this.peers.slice(first), ...this.peers.slice(0, first)];
  }

  async takeTurn(which, peer, round) {
    this.busy.push(await busyCores());
    const outcome = { case: which, peer, round };
    try {
      outcome.results = await this.measure(which, peer);
      outcome.value = which.value(outcome.results);
      if (!Number.isFinite(outcome.value)) throw new Error('the generator gives no such figure');
    } catch (error) {
      outcome.error = error.message;
    }
    this.outcomes.push(outcome);
    this.progress(outcome);
  }

  async measure(which, peer) {
    const results = [];
    for (const step of which.load ? which.steps(await this.rateFor(peer)) : which.steps) {
      results.push(await this.bench(peer, step));
    }
    if (which === kCalibration) this.calibrate(peer, results[0]);
    return results;
  }

  calibrate(peer, result) {
    if (!this.carried.has(peer)) this.carried.set(peer, messagesPerSecond(result));
  }

  // Half of what the reference carries, or of what the peer itself does, if that is less: the same
  // load for all who can bear it, and the same in all rounds.
  async rateFor(peer) {
    const reference = this.peers.find(({ name }) => name === kReference) ?? peer;
    for (const one of [reference, peer]) {
      if (!this.carried.has(one)) {
        this.calibrate(one, await this.bench(one, kCalibration.steps[0]));
      }
    }
    const carried = Math.min(this.carried.get(reference), this.carried.get(peer));
    return Math.max(1, Math.floor(carried / 2));
  }

  // One run of the generator against a server of its own.
  async bench(peer, step) {
    const server = await peer.start(this.host());
    try {
      return checked(await this.generate(peer, server, step), step);
    } finally {
      await server.stop();
    }
  }

  async generate(peer, server, { scenario, args, recoverable = true }) {
    const { generator, generatorCore, seconds, warmup } = this.options;
    const file = join(this.folder, `result-${++this.runs}.json`);
    const plain = peer.dialect === 'plain' || scenario === 'echo';
    const subscribes = scenario !== 'publish' && recoverable;
    const centrifuge = ['--format', 'json', ...(subscribes ? ['--recoverable'] : [])];
    const time = scenario === 'connect' ? [] : ['--warmup', warmup, '--duration', seconds];
    const command = [
      ...[generator, 'bench', scenario, '--quiet', '--json', file],
      ...['--dialect', plain ? 'plain' : peer.dialect],
      ...['--url', plain ? (server.plainUrl ?? server.url) : server.url],
      ...(peer.dialect === 'centrifuge' && !plain ? centrifuge : []),
      ...server.pids.flatMap((pid) => ['--server-pid', pid]),
      ...[...time, ...args],
    ].map(String);
    const run = new Process(command, { core: generatorCore });
    try {
      const how = await run.endsWithin((warmup + seconds) * 1000 + kGeneratorMs);
      if (how === null) throw new Error('the generator does not come to an end');
      // 1: it has figures, and something to complain of, which they tell as well.
      if (how.code !== 0 && how.code !== 1) throw new Error(run.lastWords());
      return readResult(file, run);
    } finally {
      await run.stop();
    }
  }
}

function readResult(file, run) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    throw new Error(run.lastWords());
  }
}

const kWithMessages = ['fanout', 'channels', 'echo', 'publish'];

// The result, if something was measured at all.
function checked(result, { scenario }) {
  if (kWithMessages.includes(scenario) && !(result.deliveries > 0)) {
    throw new Error('nothing was delivered');
  }
  return result;
}

const kComplaints = {
  lost: 'lost',
  duplicated: 'repeated',
  out_of_order: 'out of order',
  failed_connections: 'connections failed',
  disconnects: 'disconnected',
};

// What went wrong for the clients during a run, in words; "" when nothing did.
export function complaints(results) {
  return Object.entries(kComplaints)
    .map(([key, words]) => [results.reduce((sum, result) => sum + (result[key] ?? 0), 0), words])
    .filter(([count]) => count > 0)
    .map(([count, words]) => `${count} ${words}`)
    .join(', ');
}
