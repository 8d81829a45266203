// Clients of every transport that connect, subscribe to one channel, and then say nothing: on bare
// sockets, so that thousands of them cost the test little.

import net from 'node:net';
import { after } from 'node:test';
import tls from 'node:tls';

import { withDeadline } from './waiting.mjs';

const kComes = 60_000; // ms
const kChannel = 'news';
const kConnectCommand = `{"id":1,"connect":{"subs":{"${kChannel}":{}}}}`;
const kSubscribed = /"epoch":/; // of a channel that can be recovered
const kAddresses = 50; // that clients come from, since each has only so many ports

const get = (path, headers = '') => `GET ${path} HTTP/1.1\r\nHost: x\r\n${headers}\r\n`;
const post = (path, body) =>
  `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
const upgrade =
  'Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n' +
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';

// A text as one frame of a WebSocket, masked with zeros.
export function frameOf(text) {
  const payload = Buffer.from(text);
  const { length } = payload;
  const size = length < 126 ? [0x80 | length] : [0x80 | 126, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([0x81, ...size, 0, 0, 0, 0]), payload]);
}

function pollFor(answer) {
  const [, session] = /"session":"([^"]+)"/.exec(answer);
  const [, node] = /"node":"([^"]+)"/.exec(answer);
  return post('/connection/long_poll/poll', JSON.stringify({ session, node, ack: 1 }));
}

// By transport, what a client says: `first`; after the answer's head, `then`; when it is subscribed,
// `last`.
const kTransports = {
  websocket: { first: get('/connection/websocket', upgrade), then: frameOf(kConnectCommand) },
  http_stream: { first: post('/connection/http_stream', kConnectCommand) },
  sse: { first: get(`/connection/sse?cf_connect=${encodeURIComponent(kConnectCommand)}`) },
  long_poll: { first: post('/connection/long_poll', kConnectCommand), last: pollFor },
  uni_websocket: { first: get(`/connection/uni_websocket?channel=${kChannel}`, upgrade) },
  uni_sse: { first: get(`/connection/uni_sse?channel=${kChannel}`) },
  uni_http_stream: { first: get(`/connection/uni_http_stream?channel=${kChannel}`) },
};

// For startServer(): one core, a channel to recover, and no pings while a test lasts.
export const kIdleConfig = {
  workers: 1,
  client: { ping_interval: '6h', pong_timeout: '1h', stale_close_delay: '1h' },
  long_poll: { hold: '50m', poll_timeout: '10m' },
  channel: { without_namespace: { history_size: 10, history_ttl: '1h', force_recovery: true } },
};

const open = new Set();

export function closeIdleClients() {
  for (const socket of open) socket.destroy();
  open.clear();
}
after(closeIdleClients);

// Subscribes on a socket that is connected, or will be.
function subscribe(socket, { first, then, last }, done) {
  let got = '';
  const hear = (chunk) => {
    got += chunk.toString('latin1');
    if (then && got.includes('\r\n\r\n')) {
      socket.write(then);
      then = null;
    }
    if (!kSubscribed.test(got)) return;
    socket.off('data', hear);
    socket.resume();
    if (last) socket.write(last(got));
    done(socket);
  };
  socket.on('data', hear);
  socket.write(first);
}

// The number of the next client's address.
let clients = 0;

// A client's socket, once it is subscribed. With `secure`, options of tls.connect(), inside TLS.
export function comeIdle(server, transport, secure) {
  const { host, port } = server;
  const localAddress = `127.0.1.${1 + ((clients += 1) % kAddresses)}`;
  const subscribed = new Promise((done, fail) => {
    const wire = net.connect({ host, port, localAddress });
    wire.on('error', fail);
    const socket = secure ? tls.connect({ ...secure, socket: wire }) : wire;
    if (secure) socket.on('error', fail);
    open.add(socket);
    const ended = () => fail(new Error(`a client of ${transport} was cut off`));
    socket.on('close', ended);
    subscribe(socket, kTransports[transport], done);
  });
  return withDeadline(subscribed, `a client of ${transport}`, kComes);
}

// So many of them, some at a time.
export async function comeAllIdle(server, transport, count, { atOnce = 100, secure } = {}) {
  const sockets = [];
  while (sockets.length < count) {
    const some = Math.min(atOnce, count - sockets.length);
    const coming = Array.from({ length: some }, () => comeIdle(server, transport, secure));
    sockets.push(...(await Promise.all(coming)));
  }
  return sockets;
}
