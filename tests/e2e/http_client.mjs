// fetch() that trusts a certificate of the tests' own: Node's takes such from its environment only,
// before it starts.

import https from 'node:https';
import { Readable } from 'node:stream';
import { after } from 'node:test';

// Keeps its connections, as browsers do. `options` go to https.request(), for instance
// localAddress.
export function makeFetch({ ca, ...options }) {
  const agent = new https.Agent({ keepAlive: true, ca });
  after(() => agent.destroy());
  return (address, { method = 'GET', headers = {}, body = '', signal } = {}) =>
    new Promise((done, fail) => {
      const whole = { agent, method, signal, ...options };
      whole.headers = Object.fromEntries(new Headers(headers));
      if (method !== 'GET') whole.headers['content-length'] = Buffer.byteLength(body);
      const asked = https.request(address, whole, (response) => {
        const { statusCode: status } = response;
        response.on('error', () => {}); // who still reads hears of it by the stream
        const isEmpty = status === 204 || status === 304;
        if (isEmpty) response.resume();
        const stream = isEmpty ? null : Readable.toWeb(response);
        done(new Response(stream, { status, headers: new Headers(pairs(response.rawHeaders)) }));
      });
      asked.on('error', fail);
      asked.end(body);
    });
}

const pairs = (raw) =>
  Array.from({ length: raw.length / 2 }, (_, i) => [raw[2 * i], raw[2 * i + 1]]);
