// Starts the real server for a test, and tears it down whatever happens to the test.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { after } from 'node:test';
import { fileURLToPath } from 'node:url';

import { Scrape } from '../../src/admin/page/prometheus.js';
import { until, withDeadline } from './waiting.mjs';

const kRoot = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
export const kBinary = resolve(process.env.MILLRACE_BIN ?? join(kRoot, 'build/release/millrace'));
const kStartMs = 15_000;
const kStopMs = 15_000;
const kLogMax = 1_000_000; // characters of a server's output that are kept

const running = new Set();
const folders = new Set();

// The tests' own settings begin with MILLRACE_ too, and are none of the server's.
function environment(own) {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('MILLRACE_'));
  return { ...Object.fromEntries(inherited), ...own };
}

function cleanUp() {
  for (const child of running) child.kill('SIGKILL');
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
}
process.on('exit', cleanUp);
// A server that a failed test left running would keep the process alive.
after(cleanUp);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(1));

// A folder of its own for a test; it goes when the test file ends.
export function makeFolder() {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-test-'));
  folders.add(folder);
  return folder;
}

export function freePort(host = '127.0.0.1') {
  return new Promise((done, fail) => {
    const probe = net.createServer();
    probe.on('error', fail);
    probe.listen({ host, port: 0 }, () => {
      const { port } = probe.address();
      probe.close(() => done(port));
    });
  });
}

// One request on a connection of its own: {status, headers, body}. `to` has host and port, or
// socketPath.
export function request(to, path, { method = 'GET', headers = {}, body = '' } = {}) {
  return withDeadline(
    new Promise((done, fail) => {
      const { host, port, socketPath } = to;
      const target = socketPath ? { socketPath } : { host, port };
      const asked = http.request({ ...target, path, method, headers, agent: false }, (response) => {
        const chunks = [];
        response.on('data', (chunk) => chunks.push(chunk));
        response.on('error', fail);
        response.on('end', () =>
          done({
            status: response.statusCode,
            headers: response.headers,
            body: Buffer.concat(chunks).toString(),
          }),
        );
      });
      asked.on('error', fail);
      asked.end(body);
    }),
    `${method} ${path}`,
  );
}

// `command` in a process that may have only so many open files.
function limited(command, openFiles) {
  return openFiles ? ['prlimit', `--nofile=${openFiles}:${openFiles}`, ...command] : command;
}

// Starts the binary with a command that is no server: {child, ended}. `input` is its standard input,
// `ended` resolves to {code, signal, stdout, stderr}.
export function startBinary(args, { env = {}, cwd, input, openFiles } = {}) {
  const [program, ...rest] = limited([kBinary, ...args], openFiles);
  const child = spawn(program, rest, { env: environment(env), cwd });
  running.add(child);
  const out = { stdout: '', stderr: '' };
  child.stdin.on('error', () => {}); // it may end without having read all of it
  if (input !== undefined) child.stdin.end(input);
  for (const name of ['stdout', 'stderr']) child[name].on('data', (text) => (out[name] += text));
  const ended = new Promise((done, fail) => {
    child.on('error', fail);
    child.on('close', (code, signal) => done({ code, signal, ...out }));
  }).finally(() => running.delete(child));
  return { child, ended };
}

// Runs the binary to its end: {code, signal, stdout, stderr}.
export function runBinary(args, options = {}, within = kStartMs) {
  const { child, ended } = startBinary(args, options);
  return withDeadline(ended, `the end of millrace ${args.join(' ')}`, within).finally(() => {
    running.delete(child);
    child.kill('SIGKILL');
  });
}

function merged(base, over) {
  const result = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const isTable = value !== null && typeof value === 'object' && !Array.isArray(value);
    result[key] = isTable && base[key] ? merged(base[key], value) : value;
  }
  return result;
}

class Server {
  constructor({ child, host, port, socketPath, configFile, dev }) {
    Object.assign(this, { child, host, port, socketPath, configFile, dev, pid: child.pid, output: '' });
    const shown = host.includes(':') ? `[${host}]` : host;
    this.url = `http://${shown}:${port}`;
    this.wsUrl = `ws://${shown}:${port}/connection/websocket`;
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (text) => (this.output = (this.output + text).slice(-kLogMax)));
    }
    // {code, signal}, when the process has ended.
    this.exited = new Promise((done) => {
      child.on('error', (error) => done({ code: null, signal: null, error }));
      child.on('close', (code, signal) => done({ code, signal }));
    });
    this.exited.then((how) => {
      this.how = how;
      running.delete(child);
    });
  }

  logs() {
    return this.output;
  }

  kill(signal) {
    this.child.kill(signal);
  }

  // How it exited: `exited`, with a deadline.
  ended(within = kStopMs) {
    return withDeadline(this.exited, `the end of the server\n${this.logs()}`, within);
  }

  // SIGTERM, then how it exited: with 0, unless a test has killed it. A sanitizer that found something
  // makes it another code.
  async stop() {
    if (!this.how) this.kill('SIGTERM');
    try {
      const how = await this.ended();
      if (how.code !== 0 && how.signal !== 'SIGKILL') {
        throw new Error(`the server exited with ${how.code ?? how.signal}\n${this.logs()}`);
      }
      return how;
    } catch (error) {
      this.kill('SIGKILL');
      throw error;
    }
  }

  request(path, options) {
    return request(this, path, options);
  }

  // /metrics, parsed.
  async metrics() {
    const answer = await this.request('/metrics');
    assert.equal(answer.status, 200);
    return new Scrape(answer.body);
  }

  // {status, body}, the body parsed.
  async health(path = '/health') {
    const answer = await this.request(path);
    return { status: answer.status, body: JSON.parse(answer.body) };
  }

  async ready() {
    await until(
      async () => {
        if (this.how) {
          throw new Error(`the server ended: ${JSON.stringify(this.how)}\n${this.logs()}`);
        }
        try {
          return (await this.request('/health/ready')).status === 200;
        } catch (error) {
          if (error.code === 'ECONNREFUSED' || error.code === 'ENOENT') return false;
          throw error;
        }
      },
      'the server is ready',
      kStartMs,
    );
    return this;
  }

  // What the tables of all cores hold beyond the asker's own connection, as text; only --dev tells.
  async tableLeftovers() {
    if (!this.dev) return '';
    const { cores } = JSON.parse((await this.request('/debug/tables')).body);
    const sums = {};
    for (const core of cores) {
      for (const [name, size] of Object.entries(core)) sums[name] = (sums[name] ?? 0) + size;
    }
    sums.http_connections -= 1;
    delete sums.logs; // they outlive their subscribers
    const over = Object.entries(sums).filter(([, size]) => size !== 0);
    return over.map(([name, size]) => `table ${name} ${size}`).join(', ');
  }

  // Until every table of clients, sessions, subscriptions and channels is empty again. The scrape's
  // own connection is open.
  async becomesIdle(within) {
    const own = { millrace_http_connections: 1, millrace_streams: 1 };
    let left = '';
    await until(
      async () => {
        const scrape = await this.metrics();
        const over = [
          'websocket_connections_total',
          'millrace_connections',
          'millrace_sessions',
          'millrace_subscriptions',
          'millrace_channels',
          'millrace_local_channels',
          'millrace_outbox_bytes',
          'millrace_http_connections',
          'millrace_streams',
        ].filter((name) => !scrape.samples.has(name) || scrape.value(name) !== (own[name] ?? 0));
        left = over.map((name) => `${name} ${scrape.value(name)}`).join(', ');
        if (over.length > 0) return false;
        left = await this.tableLeftovers();
        return left === '';
      },
      'nothing is left behind',
      within,
    ).catch((error) => {
      throw new Error(`${error.message}: ${left}`);
    });
  }
}

// Starts a server on a free port and waits until it is ready. `config` is laid over {http_server:
// {address, port}} and given as a JSON file; `args` are added to the command line. With `openFiles`
// the process may have only so many.
export async function startServer({
  args = [],
  config = {},
  env = {},
  dev = true,
  host = '127.0.0.1',
  port,
  socketPath,
  openFiles,
} = {}) {
  const chosen = port ?? (await freePort(host));
  const configFile = join(makeFolder(), 'config.json');
  const whole = merged({ http_server: { address: host, port: chosen } }, config);
  writeFileSync(configFile, JSON.stringify(whole, null, 2));
  const command = [kBinary, ...(dev ? ['--dev'] : []), '--config', configFile, ...args];
  const [program, ...rest] = limited(command, openFiles);
  const child = spawn(program, rest, {
    env: environment(env),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  return new Server({ child, host, port: chosen, socketPath, configFile, dev }).ready();
}
