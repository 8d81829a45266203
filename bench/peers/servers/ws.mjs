// A plain server (see `millrace bench`) on `ws`, as its documentation writes one: ws.mjs PORT

import { WebSocketServer } from 'ws';

const kPublish = 'P'.charCodeAt(0);
const server = new WebSocketServer({
  host: '127.0.0.1',
  port: Number(process.argv[2]),
  backlog: 4096,
  clientTracking: false,
  perMessageDeflate: false,
});
const channels = new Map();

function channelOf(name) {
  let members = channels.get(name);
  if (!members) channels.set(name, (members = new Set()));
  return members;
}

server.on('connection', (socket, request) => {
  const [, kind, name = ''] = request.url.split('/');
  socket.on('error', () => {});
  if (kind === 'echo') {
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
    return;
  }
  const members = channelOf(name);
  if (kind === 'sub') {
    members.add(socket);
    socket.on('close', () => members.delete(socket));
  }
  socket.on('message', (data) => {
    if (data[0] !== kPublish) return;
    for (const member of members) member.send(data, { binary: false });
  });
});
