// uWebSockets: the C++ core of uWebSockets.js, in the build that npm has for this Node and libc.
// Topics, fan-out and handshakes run in C++; JavaScript is called once per message that comes in.

import { missingPackage, startNode } from './node_server.mjs';

const kPackage = '@trufflesuite/uws-js-unofficial';

export default {
  name: 'uwebsockets',
  title: 'uWebSockets (npm)',
  dialect: 'plain',
  can: ['connect', 'idle', 'fanout', 'echo'],
  missing: () => missingPackage(kPackage),
  start: (host) => startNode('uwebsockets.mjs', host),
};
