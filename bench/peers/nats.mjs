// NATS, its clients over WebSocket; a channel is a subject. It keeps no history.

import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { freePort, startServer } from '../lib/processes.mjs';

const kProgram = 'nats-server';

const configuration = (port, webSocketPort) => `
listen: "127.0.0.1:${port}"
max_connections: 100000
max_pending: 64MB
websocket {
  listen: "127.0.0.1:${webSocketPort}"
  no_tls: true
  compression: false
}
`;

export default {
  name: 'nats',
  title: 'NATS (WebSocket)',
  dialect: 'nats',
  can: ['connect', 'idle', 'fanout', 'channels'],
  missing() {
    const run = spawnSync(kProgram, ['--version']);
    return run.error ? `${kProgram} is not installed: bench/compare --setup` : null;
  },
  async start(host) {
    const port = await freePort();
    const file = join(host.folder, `nats-${port}.conf`);
    writeFileSync(file, configuration(await freePort(), port));
    const options = { core: host.core, env: { GOMAXPROCS: '1' } };
    const server = await startServer([kProgram, '--config', file], port, options);
    return { url: `ws://127.0.0.1:${port}`, pids: [server.pid], stop: () => server.stop() };
  },
};
