// A network in front of a server, for clients whose sockets a test can't reach: bytes go through
// until it is cut.

import net from 'node:net';
import { after } from 'node:test';

const open = new Set();
after(() => {
  for (const wire of open) wire.close();
});

// An RST. Not for one whose FIN is on its way: Node would never close that (and never exit).
function reset(socket) {
  if (socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}

export class Wire {
  static async to(server) {
    const wire = new Wire(server);
    await new Promise((done, fail) => {
      wire.listener.on('error', fail);
      wire.listener.listen({ host: '127.0.0.1', port: 0 }, done);
    });
    wire.host = '127.0.0.1';
    wire.port = wire.listener.address().port;
    wire.url = `http://${wire.host}:${wire.port}`;
    wire.wsUrl = `ws://${wire.host}:${wire.port}/connection/websocket`;
    return wire;
  }

  constructor(server) {
    this.server = server;
    this.down = false; // connections are reset as soon as they are made
    this.pairs = new Set();
    this.holes = []; // of vanish(): what the server takes for open
    this.listener = net.createServer((near) => this.accept(near));
    open.add(this);
  }

  accept(near) {
    near.on('error', () => {}); // 'close' follows
    if (this.down) return near.resetAndDestroy();
    const { host, port } = this.server;
    const far = net.connect({ host, port, noDelay: true });
    far.on('error', () => {});
    near.setNoDelay();
    near.pipe(far);
    far.pipe(near);
    const pair = [near, far];
    this.pairs.add(pair);
    // Who is closed in one direction by a reset is gone in both.
    near.on('close', () => far.destroy());
    far.on('close', () => {
      near.destroy();
      this.pairs.delete(pair);
    });
  }

  // An RST for everybody, on both sides: what is under way is lost.
  cut() {
    for (const pair of this.pairs) for (const socket of pair) reset(socket);
  }

  // Both sides say goodbye, as far as a socket can.
  leave() {
    for (const pair of this.pairs) for (const socket of pair) socket.end();
  }

  // A black hole: the server sees open connections that read nothing more, the client ones that
  // have ended. reset() of what is returned lets the server know.
  vanish() {
    const holes = [];
    for (const pair of this.pairs) {
      const [near, far] = pair;
      near.removeAllListeners('close');
      near.unpipe(far);
      far.unpipe(near);
      far.pause();
      reset(near);
      far.on('close', () => this.pairs.delete(pair));
      holes.push(far);
    }
    this.pairs.clear();
    this.holes.push(...holes);
    return { reset: () => holes.forEach(reset) };
  }

  // No way through until restore().
  sever() {
    this.down = true;
    this.cut();
  }

  restore() {
    this.down = false;
  }

  close() {
    open.delete(this);
    this.cut();
    this.holes.forEach(reset);
    this.listener.close();
  }
}
