// The bound: a loop of send() over as many sockets (raw_send.cc), compiled when it is needed.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

import { freePort, startServer } from '../lib/processes.mjs';

const kSource = fileURLToPath(new URL('../raw_send.cc', import.meta.url));
const kProgram = fileURLToPath(new URL('../../build/bench/raw_send', import.meta.url));

const changed = (path) => statSync(path).mtimeMs;
const isFresh = () => existsSync(kProgram) && changed(kProgram) > changed(kSource);

// Why it cannot be compiled; null when it is there.
function compile() {
  if (isFresh()) return null;
  mkdirSync(dirname(kProgram), { recursive: true });
  const compiler = process.env.CXX ?? 'g++';
  const command = ['-std=c++23', '-O2', kSource, '-o', kProgram, '-lcrypto'];
  const run = spawnSync(compiler, command, { encoding: 'utf8' });
  if (run.error) return `${compiler}: ${run.error.message}`;
  return run.status === 0 ? null : `it does not compile: ${run.stderr.split('\n', 1)[0]}`;
}

export default {
  name: 'raw',
  title: 'raw send() loop',
  dialect: 'plain',
  can: ['connect', 'idle', 'fanout', 'echo'],
  missing: compile,
  async start(host) {
    const port = await freePort();
    const server = await startServer([kProgram, String(port)], port, { core: host.core });
    return { url: `ws://127.0.0.1:${port}`, pids: [server.pid], stop: () => server.stop() };
  },
};
