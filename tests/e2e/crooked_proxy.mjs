// HTTP proxies as some networks have them. None lets a WebSocket through, and each treats responses
// in a way of its own.

import http from 'node:http';
import { after } from 'node:test';

const kHopByHop = ['connection', 'keep-alive', 'transfer-encoding', 'upgrade'];
const open = new Set();
after(() => {
  for (const proxy of open) proxy.close();
});

function endToEnd(headers) {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !kHopByHop.includes(name)));
}

async function wholeOf(response) {
  const chunks = [];
  for await (const chunk of response) chunks.push(chunk);
  return Buffer.concat(chunks);
}

// ---- Ways to treat a response: (response, out, path) ----

export function pass(response, out) {
  out.writeHead(response.statusCode, endToEnd(response.headers));
  out.flushHeaders();
  response.pipe(out);
}

// Nothing is passed on before all of it is there.
export async function gather(response, out) {
  const body = await wholeOf(response);
  out.writeHead(response.statusCode, endToEnd(response.headers));
  out.end(body);
}

// What begins to come is passed on when there are more than `bytes` of it, or all.
export function holdBack(bytes) {
  return (response, out) => {
    const held = [];
    let size = 0;
    const passOn = () => {
      if (!out.headersSent) out.writeHead(response.statusCode, endToEnd(response.headers));
      for (const chunk of held.splice(0)) out.write(chunk);
    };
    response.on('data', (chunk) => {
      held.push(chunk);
      size += chunk.length;
      if (size > bytes) passOn();
    });
    response.on('end', () => {
      passOn();
      out.end();
    });
  };
}

// A response on which nothing comes for `patience` ms is taken for dead.
export function cutSilent(patience) {
  return (response, out) => {
    const timer = setTimeout(() => out.destroy(), patience);
    response.on('data', () => timer.refresh());
    response.on('close', () => clearTimeout(timer));
    pass(response, out);
  };
}

// Each response ends for no reason after `bytes()` bytes of its body, if it is longer.
export function cutAfter(bytes) {
  return (response, out) => {
    let left = bytes();
    out.writeHead(response.statusCode, endToEnd(response.headers));
    out.flushHeaders();
    response.on('data', (chunk) => {
      out.write(chunk.subarray(0, left));
      left -= chunk.length;
      if (left < 0) out.destroy();
    });
    response.on('end', () => out.end());
  };
}

// What the server said to a poll does not arrive: `spoil` instead, for those of `which`.
export function spoilPolls(spoil, which = everySecond()) {
  return async (response, out, path) => {
    const isPoll = path.endsWith('/long_poll/poll') && response.statusCode === 200;
    if (!isPoll || !which()) return pass(response, out);
    spoil(out, endToEnd(response.headers), await wholeOf(response));
  };
}

function everySecond() {
  let count = 0;
  return () => (count += 1) % 2 === 1;
}

export const kSpoils = {
  lost: (out) => out.destroy(),
  cut: (out, headers, body) => {
    out.writeHead(200, headers);
    out.write(body.subarray(0, body.length / 2), () => out.destroy());
  },
  // As it looks behind a proxy that does not tell lengths, and takes a broken connection for the
  // end.
  shortened: (out, { 'content-length': _, ...headers }, body) => {
    out.writeHead(200, headers);
    out.end(body.subarray(0, body.length - 1));
  },
  replaced: (out) => {
    out.writeHead(502, { 'Content-Type': 'text/html' });
    out.end('<h1>Bad Gateway</h1>');
  },
};

// ---- The proxy ----

// {url, close()}, before `server`. What asks for an upgrade is refused with 403, or with
// `hangs: true` never answered.
export async function startProxy(server, treat = pass, { hangs = false } = {}) {
  const sockets = new Set();
  const agent = new http.Agent({ keepAlive: false });
  const proxy = http.createServer((request, out) => {
    const { host, port } = server;
    const { method, url: path } = request;
    // The host stays as the client said it: that is whom an Origin is compared with.
    const headers = { ...endToEnd(request.headers), connection: 'close' };
    const asked = http.request({ host, port, method, path, headers, agent }, (response) => {
      response.on('error', () => out.destroy());
      Promise.resolve(treat(response, out, path)).catch(() => out.destroy());
    });
    asked.on('error', () => out.destroy());
    out.on('error', () => {});
    out.on('close', () => asked.destroy());
    request.pipe(asked);
  });
  proxy.on('upgrade', (_request, socket) => {
    socket.on('error', () => {});
    const refusal = 'HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n';
    if (!hangs) socket.end(refusal);
  });
  proxy.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise((done, fail) => {
    proxy.on('error', fail);
    proxy.listen({ host: '127.0.0.1', port: 0 }, done);
  });
  const { port } = proxy.address();
  const close = () => {
    open.delete(handle);
    proxy.close();
    for (const socket of sockets) socket.destroy();
  };
  const handle = { host: '127.0.0.1', port, url: `http://127.0.0.1:${port}`, close };
  handle.wsUrl = `ws://127.0.0.1:${port}/connection/websocket`;
  open.add(handle);
  return handle;
}
