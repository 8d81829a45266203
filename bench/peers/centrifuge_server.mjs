// What Millrace and Centrifugo have in common: names and nesting of the configuration, and the
// protocol. Both run with what their users turn on: a history, and recovery of every subscription.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { freePort, startServer } from '../lib/processes.mjs';

const kAllowed = { allow_subscribe_for_client: true, allow_publish_for_client: true };

function configuration(port) {
  return {
    http_server: { address: '127.0.0.1', port },
    log: { level: 'error' },
    client: { insecure: true, queue_max_size: 64 << 20 },
    channel: {
      without_namespace: {
        history_size: 100,
        history_ttl: '300s',
        force_positioning: true,
        force_recovery: true,
        ...kAllowed,
      },
      namespaces: [{ name: 'bare', ...kAllowed }],
    },
  };
}

// Starts `program` with that and with `own` laid over it.
export async function startCentrifuge(program, { args = [], own = {}, env = {} }, host) {
  const port = await freePort();
  const file = join(host.folder, `config-${port}.json`);
  writeFileSync(file, JSON.stringify({ ...configuration(port), ...own }));
  const command = [program, '--config', file, ...args];
  const server = await startServer(command, port, { core: host.core, env });
  const base = `ws://127.0.0.1:${port}`;
  return {
    url: `${base}/connection/websocket`,
    plainUrl: base,
    pids: [server.pid],
    stop: () => server.stop(),
  };
}
