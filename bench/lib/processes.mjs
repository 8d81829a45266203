// The processes of a comparison: each pinned to a core, and none outlives this one.

import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const kStartMs = 20_000;
const kStopMs = 5_000;
const kOutputMax = 20_000; // characters of a process's output that are kept

const running = new Set();
const folders = new Set();

// A group and not only its leader: a master's workers would live on.
function signalGroup(child, signal) {
  try {
    process.kill(-child.pid, signal);
  } catch {
    // It has ended.
  }
}

function cleanUp() {
  for (const child of running) signalGroup(child, 'SIGKILL');
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
}

// Called once, before the first process is started.
export function endEverythingAtExit() {
  process.on('exit', cleanUp);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(130));
}

// A folder that goes when this process does.
export function makeFolder() {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-compare-'));
  folders.add(folder);
  return folder;
}

export function freePort() {
  return new Promise((done, fail) => {
    const probe = net.createServer();
    probe.on('error', fail);
    probe.listen({ host: '127.0.0.1', port: 0 }, () => {
      const { port } = probe.address();
      probe.close(() => done(port));
    });
  });
}

function canConnect(port) {
  return new Promise((done) => {
    const socket = net.connect({ host: '127.0.0.1', port });
    socket.on('connect', () => done(true)).on('error', () => done(false));
    socket.on('connect', () => socket.destroy());
  });
}

// The environment without this project's settings: MILLRACE_ variables would configure the server.
function environment(own) {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('MILLRACE_'));
  return { ...Object.fromEntries(inherited), ...own };
}

export class Process {
  // Starts `command` (its first element is the program) on one core; on any when `core` is null.
  constructor(command, { core = null, env = {}, cwd } = {}) {
    const pinned = core === null ? command : ['taskset', '-c', String(core), ...command];
    this.name = command[0];
    this.output = '';
    this.how = null; // how it ended: {code, signal, error}
    this.child = spawn(pinned[0], pinned.slice(1), {
      cwd,
      detached: true, // leads a group of its own
      env: environment(env),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    running.add(this.child);
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream.on('data', (text) => (this.output = (this.output + text).slice(-kOutputMax)));
    }
    this.ended = new Promise((done) => {
      this.child.on('error', (error) => done({ code: null, signal: null, error }));
      this.child.on('close', (code, signal) => done({ code, signal }));
    }).then((how) => {
      this.how = how;
      running.delete(this.child);
      return how;
    });
  }

  get pid() {
    return this.child.pid;
  }

  // What it said last: the reason, when it has failed.
  lastWords() {
    const lines = this.output.split('\n').filter((line) => line.trim() !== '');
    const { error, code, signal } = this.how ?? {};
    const how = error?.message ?? (this.how ? `exit ${code ?? signal}` : 'it runs');
    return `${lines.at(-1)?.trim() ?? 'no output'} (${how})`;
  }

  async listens(port, withinMs = kStartMs) {
    for (const end = Date.now() + withinMs; Date.now() < end; await sleep(20)) {
      if (this.how) throw new Error(this.lastWords());
      if (await canConnect(port)) return;
    }
    throw new Error(`does not listen after ${withinMs / 1000} s: ${this.lastWords()}`);
  }

  // How it ended, or null when it has not after so long.
  endsWithin(ms) {
    const timer = new AbortController();
    const late = sleep(ms, null, { signal: timer.signal }).catch(() => null);
    return Promise.race([this.ended, late]).finally(() => timer.abort());
  }

  async stop() {
    signalGroup(this.child, 'SIGTERM');
    await this.endsWithin(kStopMs);
    signalGroup(this.child, 'SIGKILL'); // what is left of the group
    await this.ended;
  }
}

// Starts `command`, and resolves with it once it accepts connections on that port of 127.0.0.1.
export async function startServer(command, port, options) {
  const server = new Process(command, options);
  try {
    await server.listens(port);
    return server;
  } catch (error) {
    await server.stop();
    throw error;
  }
}

// The processes that `pid` has started.
export function childrenOf(pid) {
  const pids = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return pids === '' ? [] : pids.split(' ').map(Number);
}

// How many cores the whole machine is using, seen over so long. With nothing of ours running it
// says how much else there is.
export async function busyCores(ms = 200) {
  const busy = () => {
    const [user, nice, system, idle, wait, irq, softirq, steal] = readFileSync('/proc/stat', 'utf8')
      .split('\n', 1)[0]
      .split(/\s+/)
      .slice(1)
      .map(Number);
    const used = user + nice + system + irq + softirq + steal;
    return { used, all: used + idle + wait };
  };
  const cores = readFileSync('/proc/stat', 'utf8').match(/^cpu\d+/gm).length;
  const before = busy();
  await sleep(ms);
  const after = busy();
  return (cores * (after.used - before.used)) / Math.max(1, after.all - before.all);
}
