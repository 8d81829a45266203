// A backend as tests play it: its server's configuration, its tokens, and its calls of the server
// API.

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';

import { connect } from './clients.mjs';

export const kKey = 'a key for the api';
const kTokenKey = 'a key for tokens';
const kListen = { allow_subscribe_for_client: true, allow_subscribe_for_anonymous: true };
const kLog = { history_size: 10, history_ttl: '300s' };

// Everybody may subscribe to everything; nobody but the backend may publish.
export const kBackendConfig = {
  http_api: { key: kKey },
  client: {
    token: { hmac_secret_key: kTokenKey },
    allow_anonymous_connect_without_token: true,
  },
  channel: {
    without_namespace: kListen,
    namespaces: [
      { name: 'log', ...kListen, ...kLog, force_recovery: true },
      { name: 'room', ...kListen, presence: true },
      { name: 'objects', ...kListen, publication_data_format: 'json_object' },
    ],
  },
};
export const kUnknownChannel = { code: 102, message: 'unknown channel' };
export const kNotAvailable = { code: 108, message: 'not available' };

export const seconds = () => Math.floor(Date.now() / 1000);

// A connection token.
export function tokenOf(claims) {
  const encoded = [{ alg: 'HS256', typ: 'JWT' }, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  const signature = createHmac('sha256', kTokenKey).update(encoded).digest('base64url');
  return `${encoded}.${signature}`;
}

// The answer to a POST: {status, headers, text, body}, the body parsed if it is JSON.
export async function post(server, path, body, headers = { 'X-API-Key': kKey }) {
  const answer = await server.request(path, {
    method: 'POST',
    headers,
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  const { status, headers: answered, body: text } = answer;
  const isJson = answered['content-type']?.startsWith('application/json');
  const parsed = isJson && !text.includes('\n') ? JSON.parse(text) : undefined;
  return { status, headers: answered, text, body: parsed };
}

// A channel name that no other test has.
let channels = 0;
export const fresh = (namespace) => `${namespace ? `${namespace}:` : ''}c${(channels += 1)}`;

export class Backend {
  constructor(server) {
    this.server = server;
  }

  api(path, body, headers) {
    return post(this.server, `/api/${path}`, body, headers);
  }

  // What a call results in, which must not be an error.
  async result(method, params = {}) {
    const { status, body } = await this.api(method, params);
    assert.equal(status, 200);
    assert.ok(body.result, `${method}: ${JSON.stringify(body)}`);
    return body.result;
  }

  // The error that a call is answered with.
  async error(method, params = {}) {
    const { status, body } = await this.api(method, params);
    assert.equal(status, 200);
    assert.deepEqual(Object.keys(body), ['error']);
    return body.error;
  }

  // Publishes {i: 1}, {i: 2} and so on.
  async publishMany(channel, count) {
    for (let i = 1; i <= count; ++i) await this.result('publish', { channel, data: { i } });
  }

  clientOf(user, options) {
    return connect(this.server, {
      token: tokenOf({ sub: user, exp: seconds() + 600 }),
      ...options,
    });
  }
}
