// Socket.IO over WebSocket alone; channels are its rooms.

import { missingPackage, startNode } from './node_server.mjs';

export default {
  name: 'socketio',
  title: 'Socket.IO (npm)',
  dialect: 'socketio',
  can: ['connect', 'idle', 'fanout', 'channels'],
  missing: () => missingPackage('socket.io'),
  start: (host) => startNode('socketio.mjs', host),
};
