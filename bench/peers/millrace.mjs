// The program under test, with one event loop. --dev is for the echo endpoint only.

import { existsSync } from 'node:fs';

import { startCentrifuge } from './centrifuge_server.mjs';

export default {
  name: 'millrace',
  title: 'Millrace',
  dialect: 'centrifuge',
  can: ['connect', 'idle', 'fanout', 'channels', 'echo', 'publish', 'namespaces'],
  missing: (host) => (existsSync(host.binary) ? null : `there is no ${host.binary}: make build`),
  start: (host) => startCentrifuge(host.binary, { args: ['--dev'], own: { workers: 1 } }, host),
};
