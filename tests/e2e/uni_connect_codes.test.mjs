// How clients that only listen are told that they can't connect: by a disconnect of the operator's
// choice, or, over HTTP, by the status of the response.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';

import { RawClient, RawSocket, closeClients } from './clients.mjs';
import { EventSource } from './event_source.mjs';
import { request, startServer } from './harness.mjs';
import { HttpStream, closeStreams, disconnectPush } from './http_streams.mjs';
import { KeyServer } from './key_server.mjs';
import { configOf, freshChannel, publishAll, range } from './streams.mjs';
import { inSeconds, kSecret, makeKey, tokenOf } from './tokens.mjs';
import { eventOf, until } from './waiting.mjs';

const kOrigin = 'https://app.example.com';
const kSse = '/connection/uni_sse';
const kHttpStream = '/connection/uni_http_stream';
const kWebSocket = '/connection/uni_websocket';
const kHttp = [kSse, kHttpStream];
const kDisconnects = [
  { code: 109, to: { code: 4109, reason: 'log in again' } },
  { code: 110, to: { code: 4510, reason: 'too late' } },
];
const kResponses = [
  { code: 109, to: { status_code: 401, body: '{"error":"token expired"}' } },
  { code: 3500, to: { status_code: 403 } },
  { code: 102, to: { status_code: 404 } },
  { code: 3504, to: { status_code: 429, body: 'one is enough\n' } },
  { code: 4510, to: { status_code: 410 } }, // what error 110 becomes
];

const withResponses = (transforms, rest = {}) =>
  Object.fromEntries(
    ['uni_sse', 'uni_http_stream'].map((name) => [
      name,
      { enabled: true, connect_code_to_http_response: { enabled: true, transforms }, ...rest },
    ]),
  );
const withDisconnects = (transforms) => ({
  connect_code_to_unidirectional_disconnect: { enabled: true, transforms },
});

// How such a request is made.
const queryOf = (connect) => `cf_connect=${encodeURIComponent(JSON.stringify(connect))}`;
const asked = (path, connect, headers = {}) =>
  path === kSse
    ? [`${path}?${queryOf(connect)}`, { method: 'GET', headers }]
    : [path, { method: 'POST', headers, body: JSON.stringify(connect) }];

const answerTo = (server, path, connect, headers) =>
  request(server, ...asked(path, connect, headers));
const streamOf = (server, path, connect, headers) =>
  HttpStream.open(server, ...asked(path, connect, headers));
const socketOf = (server, connect) =>
  RawClient.open(server, { path: kWebSocket, query: queryOf(connect) });

// The client gets a stream, and nothing on it but why it ends.
async function isToldOnStream(server, path, connect, disconnect) {
  const stream = await streamOf(server, path, connect);
  assert.equal(stream.status, 200, path);
  assert.deepEqual(await stream.message(), disconnectPush(disconnect), path);
  await stream.ended();
}

async function isToldBySocket(server, connect, disconnect) {
  const client = await socketOf(server, connect);
  assert.deepEqual(JSON.parse(await client.messages.next()), disconnectPush(disconnect));
  assert.deepEqual(await client.closed(), disconnect);
}

const expired = () => tokenOf({ sub: '42', exp: inSeconds(-10) });
const overdue = () => tokenOf({ sub: '42', expire_at: inSeconds(-10) });
const foreign = () => tokenOf({ sub: '42' }, { key: 'somebody else has this secret, and signs.' });
const misled = () => tokenOf({ sub: '42', subs: { 'nowhere:a': {} } });

let server;
let plain; // as it is without any transforms
before(async () => {
  const client = { allowed_origins: [kOrigin], token: { hmac_secret_key: kSecret } };
  const log = { history_size: 100, history_ttl: '300s', force_recovery: true };
  const namespaces = { log: { ...log, allow_subscribe_for_client: true } };
  const uni_websocket = { enabled: true };
  server = await startServer({
    dev: false,
    config: configOf(namespaces, {
      workers: 4,
      client: { ...client, user_connection_limit: 1, ...withDisconnects(kDisconnects) },
      uni_websocket,
      ...withResponses(kResponses),
    }),
  });
  plain = await startServer({
    dev: false,
    config: configOf(namespaces, {
      workers: 1,
      client,
      uni_websocket,
      uni_sse: { enabled: true },
      uni_http_stream: { enabled: true },
    }),
  });
});
afterEach(async () => {
  closeStreams();
  closeClients();
  await server.becomesIdle();
  await plain.becomesIdle();
});
after(() => Promise.all([server.stop(), plain.stop()]));

describe('a connect over HTTP that fails', () => {
  for (const path of kHttp) {
    const name = path.split('/').pop();

    test(`with_an_error_is_answered_with_its_status_over_${name}`, async () => {
      const token = await expired();
      for (let i = 0; i < 8; ++i) {
        const answer = await answerTo(server, path, { token }, { Origin: kOrigin });
        assert.deepEqual([answer.status, answer.body], [401, '{"error":"token expired"}']);
        assert.equal(answer.headers['content-type'], 'application/json');
        assert.equal(answer.headers['content-length'], `${answer.body.length}`);
        assert.equal(answer.headers.connection, 'close');
        assert.equal(answer.headers['cache-control'], 'no-store');
        assert.equal(answer.headers['access-control-allow-origin'], kOrigin);
        assert.equal(answer.headers['access-control-allow-credentials'], 'true');
        assert.match(answer.headers.vary, /\bOrigin\b/);
      }
    });

    test(`with_a_disconnect_is_answered_with_what_it_means_over_${name}`, async () => {
      const answer = await answerTo(server, path, { token: await foreign() });
      assert.deepEqual([answer.status, answer.body], [403, 'invalid token']);
      assert.equal(answer.headers['content-type'], 'text/plain; charset=utf-8');
      assert.equal(answer.headers['access-control-allow-origin'], undefined);
    });

    test(`because_a_token_names_no_channel_is_answered_so_over_${name}`, async () => {
      const answer = await answerTo(server, path, { token: await misled() });
      assert.deepEqual([answer.status, answer.body], [404, 'unknown channel']);
    });

    test(`by_the_disconnect_that_an_error_becomes_is_answered_over_${name}`, async () => {
      const answer = await answerTo(server, path, { token: await overdue() });
      assert.deepEqual([answer.status, answer.body], [410, 'too late']);
    });

    test(`because_its_user_has_a_connection_is_answered_until_that_goes_over_${name}`, async () => {
      const token = await tokenOf({ sub: `user of ${name}` });
      const first = await streamOf(server, path, { token });
      assert.equal(first.status, 200);
      assert.ok((await first.message()).connect.client);
      for (let i = 0; i < 8; ++i) {
        const answer = await answerTo(server, path, { token });
        assert.deepEqual([answer.status, answer.body], [429, 'one is enough\n']);
      }
      first.close();
      await until(async () => {
        const again = await streamOf(server, path, { token });
        const { status } = again;
        again.close();
        return status === 200;
      }, 'the user has no connection');
    });

    test(`with_a_code_without_a_response_is_told_on_a_stream_over_${name}`, async () => {
      const token = await tokenOf({ sub: `user of ${name}` });
      const connect = { token, subs: { 'nowhere:a': {} } };
      await isToldOnStream(server, path, connect, { code: 3501, reason: 'bad request' });
    });

    test(`to_http_1_0_is_answered_too_over_${name}`, async () => {
      const token = await foreign();
      const [target, { method, body = '' }] = asked(path, { token });
      const raw = await RawSocket.open(server);
      const head = `${method} ${target} HTTP/1.0\r\nHost: localhost\r\n`;
      await raw.write(`${head}Content-Length: ${body.length}\r\n\r\n${body}`);
      const { status, headers } = await raw.head();
      assert.equal(status, 403);
      assert.equal(headers['content-length'], `${'invalid token'.length}`);
    });

    test(`is_told_the_usual_disconnects_without_transforms_over_${name}`, async () => {
      const tell = async (token, code, reason) =>
        isToldOnStream(plain, path, { token: await token }, { code, reason });
      await tell(expired(), 3005, 'connection expired');
      await tell(overdue(), 3005, 'connection expired');
      await tell(foreign(), 3500, 'invalid token');
      await tell(misled(), 3004, 'internal server error');
    });
  }

  test('leaves_nothing_of_a_stream_in_its_response', async () => {
    const raw = await RawSocket.open(server);
    const [target] = asked(kSse, { token: await foreign() });
    await raw.write(`GET ${target} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    const { status, headers } = await raw.head();
    assert.equal(status, 403);
    assert.equal(headers['x-accel-buffering'], undefined);
    await raw.closed();
    assert.equal(raw.buffer.toString(), 'invalid token');
  });
});

describe('a connect over HTTP that succeeds where others are answered', () => {
  for (const path of kHttp) {
    const name = path.split('/').pop();

    test(`brings_every_message_once_over_${name}`, async () => {
      const channel = freshChannel('log');
      const token = await tokenOf({ sub: `listener of ${name}` });
      const subs = { [channel]: { recover: true } };
      const publishing = publishAll(server, channel, range(1, 50));
      const stream = await streamOf(server, path, { token, subs });
      assert.equal(stream.status, 200);
      assert.equal(stream.headers['x-accel-buffering'], 'no');
      const { connect } = await stream.message();
      const heard = (connect.subs[channel].publications ?? []).map(({ data }) => data);
      await publishing;
      while (heard.length < 50) heard.push((await stream.message()).pub.data);
      assert.deepEqual(heard, range(1, 50));
    });
  }
});

describe('a connect over a WebSocket that fails', () => {
  test('is_told_the_disconnect_of_the_operators_choice', async () => {
    const reason = 'log in again';
    await isToldBySocket(server, { token: await expired() }, { code: 4109, reason });
    await isToldBySocket(
      server,
      { token: await overdue() },
      { code: 4510, reason: 'too late' },
    );
    await isToldBySocket(plain, { token: await expired() }, {
      code: 3005,
      reason: 'connection expired',
    });
  });

  test('is_told_it_too_when_it_says_who_it_is_in_a_message', async () => {
    const client = await RawClient.open(server, { path: kWebSocket });
    const why = { code: 4109, reason: 'log in again' };
    const token = await expired();
    assert.deepEqual(JSON.parse(await client.ask({ token })), disconnectPush(why));
    assert.deepEqual(await client.closed(), why);
  });

  test('is_told_others_as_usual', async () => {
    for (const to of [server, plain]) {
      await isToldBySocket(to, { token: await foreign() }, { code: 3500, reason: 'invalid token' });
      await isToldBySocket(to, { token: await misled() }, {
        code: 3004,
        reason: 'internal server error',
      });
    }
  });
});

describe('an event source', () => {
  const sourceOf = (to, connect) => new EventSource(`${to.url}${kSse}?${queryOf(connect)}`);

  test('does_not_come_again_after_a_status', async () => {
    const source = sourceOf(server, { token: await expired() });
    await eventOf(source, 'error');
    assert.equal(source.closed, true);
  });

  test('comes_again_after_a_stream', async () => {
    const source = sourceOf(plain, { token: await expired() });
    for (let i = 0; i < 3; ++i) {
      const { data } = await eventOf(source, 'message');
      assert.equal(JSON.parse(data).disconnect.code, 3005);
    }
    assert.equal(source.closed, false);
    source.close();
  });
});

describe('a connect that is not decided yet', () => {
  let keys; // the key server; nobody gets in before it answers
  let release;
  let key;
  let undecided;
  before(async () => {
    key = await makeKey('ES256', 'ours');
    keys = await KeyServer.make();
    keys.keys = [key.jwk];
    await keys.start();
  });
  afterEach(async () => {
    release();
    closeStreams();
    if (undecided.how) return;
    await undecided.becomesIdle();
    await undecided.stop();
  });
  after(() => keys.stop());

  // A server whose tokens nobody can verify, until release().
  const start = async (transforms, { client = {}, workers = 1 } = {}) => {
    release = keys.hold();
    keys.asked = [];
    const token = { jwks_public_endpoint: keys.url };
    undecided = await startServer({
      dev: false,
      config: { workers, client: { token, ...client }, ...withResponses(transforms) },
    });
  };
  // A request that was made, and has no answer: {settled, answer}.
  const waits = async (ask) => {
    const waiting = { settled: false };
    waiting.answer = ask().finally(() => (waiting.settled = true));
    waiting.answer.catch(() => {}); // whoever awaits it is told
    await until(() => keys.asked.length > 0, 'the keys are asked for');
    await undecided.health();
    assert.equal(waiting.settled, false);
    return waiting;
  };
  const good = () => tokenOf({ sub: '42' }, key);
  const bad = async () => tokenOf({ sub: '42' }, { ...(await makeKey('ES256')), kid: 'ours' });

  for (const path of kHttp) {
    const name = path.split('/').pop();

    test(`begins_its_stream_when_it_is_let_in_over_${name}`, async () => {
      await start(kResponses);
      const token = await good();
      const waiting = await waits(() => streamOf(undecided, path, { token }));
      release();
      const stream = await waiting.answer;
      assert.equal(stream.status, 200);
      assert.ok((await stream.message()).connect.client);
    });

    test(`is_answered_with_a_status_when_it_is_not_over_${name}`, async () => {
      await start(kResponses);
      const token = await bad();
      const waiting = await waits(() => answerTo(undecided, path, { token }));
      release();
      const { status, body } = await waiting.answer;
      assert.deepEqual([status, body], [403, 'invalid token']);
    });

    test(`is_forgotten_when_its_client_goes_over_${name}`, async () => {
      await start(kResponses);
      const token = await good();
      const raw = await RawSocket.open(undecided);
      const [target, { method, body = '' }] = asked(path, { token });
      const head = `${method} ${target} HTTP/1.1\r\nHost: localhost\r\n`;
      await raw.write(`${head}Content-Length: ${body.length}\r\n\r\n${body}`);
      await until(() => keys.asked.length > 0, 'the keys are asked for');
      const connections = async () => (await undecided.metrics()).value('millrace_connections');
      assert.equal(await connections(), 1);
      closeClients();
      await until(async () => (await connections()) === 0, 'the connection is gone');
      release();
    });

    test(`is_told_on_a_stream_that_the_server_stops_over_${name}`, async () => {
      await start(kResponses);
      const token = await good();
      const waiting = await waits(() => streamOf(undecided, path, { token }));
      undecided.kill('SIGTERM');
      const stream = await waiting.answer;
      assert.equal(stream.status, 200);
      assert.deepEqual(await stream.message(), disconnectPush({ code: 3001, reason: 'shutdown' }));
      await stream.ended();
      assert.equal((await undecided.ended()).code, 0);
    });

    test(`is_told_by_a_status_that_the_server_stops_if_there_is_one_over_${name}`, async () => {
      await start([{ code: 3001, to: { status_code: 503, body: 'later' } }]);
      const token = await good();
      const waiting = await waits(() => answerTo(undecided, path, { token }));
      undecided.kill('SIGTERM');
      const { status, body } = await waiting.answer;
      assert.deepEqual([status, body], [503, 'later']);
      assert.equal((await undecided.ended()).code, 0);
    });

    test(`is_not_waited_for_without_an_end_over_${name}`, async () => {
      await start([{ code: 3502, to: { status_code: 504 } }], {
        client: { stale_close_delay: '300ms' },
      });
      const token = await good();
      const { status, body } = await answerTo(undecided, path, { token });
      assert.deepEqual([status, body], [504, 'stale']);
    });
  }

  test('is_one_of_many_on_every_core', async () => {
    await start(kResponses, { workers: 4 });
    const tokens = [await good(), await bad()];
    const answers = range(0, 39).map(async (i) => {
      const stream = await streamOf(undecided, kHttp[i % 4 < 2 ? 0 : 1], { token: tokens[i % 2] });
      return stream.status;
    });
    await until(
      async () => (await undecided.metrics()).value('millrace_connections') === 40,
      'all have asked',
    );
    release();
    assert.deepEqual(await Promise.all(answers), range(0, 39).map((i) => (i % 2 ? 403 : 200)));
  });
});

describe('the endpoint for what comes before', () => {
  const kPath = '/connection/init';
  let open;
  before(async () => {
    const client = { allowed_origins: [kOrigin] };
    open = await startServer({ dev: false, config: { client, init: { enabled: true } } });
  });
  after(() => open.stop());

  test('answers_with_nothing_to_pages_that_may_ask', async () => {
    for (const headers of [{}, { Origin: kOrigin }]) {
      const answer = await request(open, kPath, { headers });
      assert.deepEqual([answer.status, answer.body], [200, '{}']);
      assert.equal(answer.headers['content-type'], 'application/json');
      assert.equal(answer.headers['access-control-allow-origin'], headers.Origin);
    }
  });

  test('tells_other_origins_what_they_may', async () => {
    const headers = { Origin: kOrigin, 'Access-Control-Request-Method': 'GET' };
    const answer = await request(open, kPath, { method: 'OPTIONS', headers });
    assert.equal(answer.status, 204);
    assert.equal(answer.headers['access-control-allow-methods'], 'GET, OPTIONS');
    assert.equal(answer.headers['access-control-allow-origin'], kOrigin);
  });

  test('refuses_pages_that_may_not_and_other_methods', async () => {
    const headers = { Origin: 'https://evil.example.com' };
    assert.equal((await request(open, kPath, { headers })).status, 403);
    assert.equal((await request(open, kPath, { method: 'POST' })).status, 405);
  });

  test('is_not_there_unless_it_is_asked_for', async () => {
    assert.equal((await request(server, kPath)).status, 404);
  });
});
