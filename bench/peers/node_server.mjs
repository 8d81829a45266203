// What the peers share that are libraries of Node: a program in servers/, and its package.

import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

import { freePort, startServer } from '../lib/processes.mjs';

const require = createRequire(import.meta.url);

// Why the package cannot be loaded; null when it can.
export function missingPackage(name) {
  try {
    require.resolve(name);
    return null;
  } catch {
    return `npm package ${name} is not installed: bench/compare --setup`;
  }
}

export async function startNode(program, host) {
  const port = await freePort();
  const path = fileURLToPath(new URL(`servers/${program}`, import.meta.url));
  const command = [process.execPath, path, String(port)];
  const server = await startServer(command, port, { core: host.core });
  return { url: `ws://127.0.0.1:${port}`, pids: [server.pid], stop: () => server.stop() };
}
