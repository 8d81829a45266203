// `ws`, the WebSocket library that most servers on Node use.

import { missingPackage, startNode } from './node_server.mjs';

export default {
  name: 'ws',
  title: 'ws (npm)',
  dialect: 'plain',
  can: ['connect', 'idle', 'fanout', 'echo'],
  missing: () => missingPackage('ws'),
  start: (host) => startNode('ws.mjs', host),
};
