// Sockets whose end a test chooses: as networks have it, not as programs would.

import net from 'node:net';
import { after } from 'node:test';

import { WebSocket } from 'ws';

const open = new Set(); // sockets that the server takes for open

// Closes those that nobody else closes: for afterEach(), after closeClients().
export function closeSockets() {
  for (const socket of open) {
    if (socket.gone) socket.reset();
    else if (socket.readyState === WebSocket.OPEN) socket.leave();
  }
}
after(closeSockets);

// For makeClient({websocket: ...}), or to be used by itself.
export class BreakableSocket extends WebSocket {
  constructor(address, protocols, options = {}) {
    let wire;
    super(address, protocols, {
      perMessageDeflate: false,
      ...options,
      createConnection: ({ host, port }) => (wire = net.connect({ host, port, noDelay: true })),
    });
    this.wire = wire;
    this.gone = false;
    open.add(this);
    wire.on('close', () => open.delete(this));
    this.on('error', () => {}); // 'close' follows
  }

  // Whether there is something to break.
  get alive() {
    return !this.gone && this.readyState !== WebSocket.CLOSED;
  }

  // Nothing is said on a socket that is gone, so that the server can't know.
  send(...rest) {
    if (!this.gone) super.send(...rest);
  }

  close(...rest) {
    if (!this.gone) super.close(...rest);
  }

  // Until the kernel has everything that was sent.
  flushed() {
    return new Promise((done) => this.wire.write('', () => done()));
  }

  // A close frame, and the answer to it.
  leave() {
    super.close(1000);
  }

  // An RST: what is under way in either direction is lost.
  reset() {
    this.wire.resetAndDestroy();
  }

  // A black hole: the server sees an open connection that reads nothing more. Whoever uses the
  // socket believes that it is closed.
  vanish() {
    if (!this.alive) return;
    this.gone = true;
    this.wire.pause();
    // What has come already is not for anybody any more.
    this.removeAllListeners('open');
    this.removeAllListeners('message');
    this.emit('close', 1006, Buffer.alloc(0));
    this.removeAllListeners('close');
  }

  get bytesReceived() {
    return this.wire.bytesRead;
  }
}

export const kBreaks = ['leave', 'reset', 'vanish'];
