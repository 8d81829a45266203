// Clients emit sub(channel) and pub(channel, payload), and are emitted msg(payload):
// socketio.mjs PORT

import { createServer } from 'node:http';
import { Server } from 'socket.io';

const http = createServer();
const server = new Server(http, {
  transports: ['websocket'],
  perMessageDeflate: false,
  serveClient: false,
});

server.on('connection', (socket) => {
  socket.on('sub', (channel, acknowledge) => {
    socket.join(channel);
    if (typeof acknowledge === 'function') acknowledge();
  });
  socket.on('pub', (channel, payload) => server.to(channel).emit('msg', payload));
});
http.listen({ host: '127.0.0.1', port: Number(process.argv[2]), backlog: 4096 });
