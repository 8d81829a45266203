// Centrifugo (v6), where the variable CENTRIFUGO names a binary of it: memory engine, JSON.

import { accessSync, constants } from 'node:fs';

import { startCentrifuge } from './centrifuge_server.mjs';

function missing() {
  const binary = process.env.CENTRIFUGO;
  if (!binary) return 'CENTRIFUGO names no binary of it';
  try {
    accessSync(binary, constants.X_OK);
    return null;
  } catch (error) {
    return error.message;
  }
}

export default {
  name: 'centrifugo',
  title: 'Centrifugo',
  dialect: 'centrifuge',
  can: ['connect', 'idle', 'fanout', 'channels', 'publish', 'namespaces'],
  missing,
  start: (host) => startCentrifuge(process.env.CENTRIFUGO, { env: { GOMAXPROCS: '1' } }, host),
};
