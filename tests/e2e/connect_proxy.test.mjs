// Clients without a token: the application's backend is asked who they are. What it is told, and what
// becomes of what it answers, over every transport.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';

import { AppBackend } from './app_backend.mjs';
import { RawClient, closeClients, connect, makeClient } from './clients.mjs';
import { over, sessionsEnd } from './fallbacks.mjs';
import { startServer } from './harness.mjs';
import { HttpStream, closeStreams } from './http_streams.mjs';
import { api, kApiKey } from './streams.mjs';
import { inSeconds, kSecret, tokenOf } from './tokens.mjs';
import { Inbox, eventOf, until } from './waiting.mjs';

const kLog = { history_size: 100, history_ttl: '300s', force_recovery: true };
const kTransforms = [
  { status_code: 404, to_disconnect: { code: 4504, reason: 'not found' } },
  { status_code: 403, to_error: { code: 1403, message: 'not today' } },
];

function configOf(backend, connectProxy = {}, more = {}) {
  return {
    workers: 3,
    http_api: { key: kApiKey },
    long_poll: { poll_timeout: '1s' },
    uni_sse: { enabled: true },
    uni_http_stream: { enabled: true },
    uni_websocket: { enabled: true },
    channel: { namespaces: [{ name: 'log', ...kLog }, { name: 'room', presence: true }] },
    ...more,
    client: {
      token: { hmac_secret_key: kSecret },
      expired_close_delay: '1s',
      ...more.client,
      proxy: {
        connect: {
          enabled: true,
          endpoint: backend.url,
          timeout: '1s',
          http_headers: ['cookie', 'X-Tenant', 'X-Forwarded-For', 'X-Real-IP', 'X-Forwarded-Proto'],
          emulated_headers: ['Authorization', 'Cookie'],
          http: {
            static_headers: [
              { key: 'X-Static', value: 'always' },
              { key: 'x-tenant', value: 'nobody' },
            ],
            status_to_code_transforms: kTransforms,
          },
          ...connectProxy,
        },
      },
    },
  };
}

let backend;
let server;
before(async () => {
  backend = await AppBackend.start();
  server = await startServer({ dev: false, config: configOf(backend) });
});
afterEach(async () => {
  closeClients();
  closeStreams();
  backend.release();
  await sessionsEnd(server);
  backend.reset();
});
after(async () => {
  await server.stop();
  await backend.stop();
});

const answer = (body, status) => backend.reset(() => ({ body, status }));
const grant = (result) => answer({ result });

// The reply to a connect over a WebSocket, and what was asked for it.
async function connectRaw(request = {}, { to = server, ...options } = {}) {
  const raw = await RawClient.open(to, options);
  raw.reply = JSON.parse(await raw.ask({ id: 1, connect: request }));
  return raw;
}

// How a connect ended that was not granted: the error, or the close frame.
async function refusalOf(request = {}) {
  const raw = await RawClient.open(server);
  raw.send(JSON.stringify({ id: 1, connect: request }));
  const closed = raw.closed().catch(() => null);
  const said = await Promise.race([raw.messages.next().catch(() => null), closed]);
  return typeof said === 'string' ? JSON.parse(said).error : closed;
}

const kInternal = { code: 100, message: 'internal server error', temporary: true };

describe('what the backend is told', () => {
  const kSent = {
    Cookie: 'session=abc; a=b',
    Authorization: 'Bearer secret',
    'X-Other': 'not listed',
    'X-Forwarded-For': '1.1.1.1',
    'X-Real-IP': '2.2.2.2',
    'X-Forwarded-Proto': 'https',
    'Content-Type': 'application/json',
  };
  const kBrought = { token: '', data: { a: [1, 'ü'] }, name: 'tester', version: '1.2', subs: { 'log:a': {} } };

  function check(asked, transport, expected = {}) {
    assert.equal(asked.method, 'POST');
    assert.equal(asked.path, '/connect');
    const { client, ...rest } = asked.body;
    assert.match(client, /^[0-9a-f-]{36}$/);
    assert.deepEqual(rest, {
      transport,
      protocol: 'json',
      encoding: 'json',
      data: { a: [1, 'ü'] },
      name: 'tester',
      version: '1.2',
      channels: ['log:a'],
      ...expected,
    });
    const { host, 'content-length': length, 'user-agent': agent, ...headers } = asked.headers;
    assert.match(agent, /^millrace/);
    assert.ok(Number(length) > 0 && host);
    assert.deepEqual(headers, {
      accept: '*/*',
      'content-type': 'application/json',
      cookie: 'session=abc; a=b',
      'x-tenant': 'nobody',
      'x-static': 'always',
      'x-forwarded-for': '127.0.0.1',
      'x-real-ip': '127.0.0.1',
    });
  }

  test('a_websocket', async () => {
    await connectRaw(kBrought, { headers: kSent });
    check(await backend.asked.next(), 'websocket');
  });

  test('a_unidirectional_websocket', async () => {
    const raw = await RawClient.open(server, { path: '/connection/uni_websocket', headers: kSent });
    assert.ok(JSON.parse(await raw.ask(kBrought)).connect);
    check(await backend.asked.next(), 'uni_websocket');
  });

  for (const transport of ['http_stream', 'sse', 'long_poll']) {
    test(transport, async () => {
      const body = JSON.stringify({ id: 1, connect: kBrought });
      const stream = await HttpStream.open(server, `/connection/${transport}`, { headers: kSent, body });
      assert.ok((await stream.message()).connect);
      check(await backend.asked.next(), transport);
    });
  }

  for (const transport of ['uni_http_stream', 'uni_sse']) {
    test(transport, async () => {
      const body = JSON.stringify(kBrought);
      const stream = await HttpStream.open(server, `/connection/${transport}`, { headers: kSent, body });
      assert.ok((await stream.message()).connect);
      check(await backend.asked.next(), transport);
    });
  }

  test('a_page_that_asks_with_a_get', async () => {
    const query = encodeURIComponent(JSON.stringify({ id: 1, connect: kBrought }));
    const stream = await HttpStream.open(server, `/connection/sse?cf_connect=${query}`, {
      method: 'GET',
      headers: kSent,
    });
    assert.ok((await stream.message()).connect);
    check(await backend.asked.next(), 'sse');
  });

  test('an_event_source_that_names_a_channel', async () => {
    grant({ user: '42', channels: ['log:b'] });
    const stream = await HttpStream.open(server, '/connection/uni_sse?channel=log:a&channel=log:b', {
      method: 'GET',
    });
    const { connect: connected } = await stream.message();
    assert.deepEqual((await backend.asked.next()).body.channels, ['log:a', 'log:b']);
    assert.deepEqual(Object.keys(connected.subs), ['log:b']);
  });

  test('the_official_client_in_both_formats', async () => {
    for (const protocol of ['json', 'protobuf']) {
      const data = protocol === 'json' ? { a: 1 } : Buffer.from('{"a":1}');
      await connect(server, { protocol, data, name: 'js', headers: { authorization: 'Bearer t' } });
      const { body, headers } = await backend.asked.next();
      assert.equal(body.protocol, protocol);
      assert.deepEqual(body.data, { a: 1 });
      assert.equal(body.name, 'js');
      assert.equal(headers.authorization, 'Bearer t');
    }
  });

  test('a_header_of_the_request_comes_before_an_emulated_one_and_both_before_a_fixed_one', async () => {
    await connectRaw(
      { headers: { cookie: 'made=up', Authorization: 'emulated', 'X-Forwarded-For': '9.9.9.9' } },
      { headers: { Cookie: 'real=1', 'X-Tenant': 'one' } },
    );
    const { headers } = await backend.asked.next();
    assert.equal(headers.cookie, 'real=1');
    assert.equal(headers.authorization, 'emulated');
    assert.equal(headers['x-tenant'], 'one');
    assert.equal(headers['x-forwarded-for'], '127.0.0.1');
  });

  test('nobody_slips_a_header_in', async () => {
    assert.equal((await refusalOf({ headers: { authorization: 'a\r\nX-Tenant: two' } })).code, 3501);
    await connectRaw({ headers: { 'authorization\r\nx-tenant': 'two' } });
    const { raw } = await backend.asked.next();
    assert.ok(!raw.includes('two'), raw.join());
  });

  test('headers_without_end_are_refused', async () => {
    const value = 'a'.repeat(10_000);
    const connected = { headers: { authorization: value, cookie: value } };
    assert.equal((await refusalOf(connected)).code, 3501);
  });

  test('bytes_that_are_not_json_are_the_clients_mistake', async () => {
    const client = makeClient(server, { protocol: 'protobuf', data: Buffer.from([0xff]) });
    const gone = eventOf(client, 'disconnected');
    client.connect();
    assert.equal((await gone).code, 107);
  });
});

describe('what it answers', () => {
  test('user_info_data_and_channels', async () => {
    grant({
      user: '42',
      info: { name: 'Jo' },
      data: { hello: [1.1, '\n'] },
      channels: ['log:a'],
      subs: { 'room:b': { info: { at: 'b' }, data: { topic: 'x' } } },
    });
    const client = makeClient(server);
    const pushed = new Inbox('a publication');
    client.on('publication', (context) => pushed.push(context));
    const connected = eventOf(client, 'connected');
    client.connect();
    const context = await connected;
    assert.deepEqual(context.data, { hello: [1.1, '\n'] });
    const { presence } = await api(server, 'presence', { channel: 'room:b' });
    assert.deepEqual(Object.values(presence), [
      { user: '42', client: context.client, conn_info: { name: 'Jo' }, chan_info: { at: 'b' } },
    ]);
    await api(server, 'publish', { channel: 'log:a', data: { n: 1 } });
    assert.deepEqual((await pushed.next()).data, { n: 1 });
  });

  test('the_same_in_protobuf', async () => {
    grant({ user: '42', b64data: 'AAH/', subs: { 'room:b': {} } });
    const client = makeClient(server, { protocol: 'protobuf' });
    const subscribed = eventOf(client, 'subscribed');
    const connected = eventOf(client, 'connected');
    client.connect();
    assert.deepEqual([...(await connected).data], [0, 1, 255]);
    assert.equal((await subscribed).channel, 'room:b');
  });

  test('bytes_are_nothing_for_a_json_client', async () => {
    grant({ user: '42', b64data: 'AAH/' });
    assert.equal((await refusalOf()).code, 3506);
  });

  test('a_client_gets_only_the_channels_that_the_backend_grants', async () => {
    grant({ user: '42', channels: ['log:a'] });
    const { reply } = await connectRaw({ subs: { 'log:a': {}, 'room:b': {} } });
    assert.deepEqual(Object.keys(reply.connect.subs), ['log:a']);
  });

  test('the_end_of_the_connection', async () => {
    grant({ user: '42', expire_at: inSeconds(3) });
    const raw = await connectRaw();
    assert.equal(raw.reply.connect.expires, true);
    assert.ok(raw.reply.connect.ttl <= 3);
    const token = await tokenOf({ sub: '42', exp: inSeconds(100) });
    const refreshed = JSON.parse(await raw.ask({ id: 2, refresh: { token } }));
    assert.ok(refreshed.refresh.ttl > 50);
    grant({ user: '42', expire_at: inSeconds(1) });
    const other = await connectRaw();
    assert.equal((await other.closed()).code, 3005);
    grant({ user: '42', expire_at: inSeconds(-1) });
    assert.equal((await refusalOf()).code, 110);
  });

  test('the_end_of_a_subscription', async () => {
    const config = configOf(backend, {}, { client: { expired_sub_close_delay: '0s' } });
    const own = await startServer({ dev: false, config });
    grant({ user: '42', subs: { 'room:b': { expire_at: inSeconds(1) } } });
    const raw = await connectRaw({}, { to: own });
    assert.equal(raw.reply.connect.subs['room:b'].expires, true);
    assert.equal((await raw.closed()).code, 3006);
    await own.stop();
  });

  test('errors_and_disconnects', async () => {
    answer({ error: { code: 1000, message: 'not you', temporary: true } });
    assert.deepEqual(await refusalOf(), { code: 1000, message: 'not you', temporary: true });
    answer({ disconnect: { code: 4501, reason: 'go away' } });
    assert.deepEqual(await refusalOf(), { code: 4501, reason: 'go away' });
  });

  test('what_unidirectional_clients_are_told_of_them', async () => {
    const told = async () => {
      const stream = await HttpStream.open(server, '/connection/uni_http_stream', { body: '{}' });
      return (await stream.message()).disconnect;
    };
    answer({ disconnect: { code: 4501, reason: 'go away' } });
    assert.deepEqual(await told(), { code: 4501, reason: 'go away' });
    answer({ error: { code: 1000, message: 'not you' } });
    assert.equal((await told()).code, 3004);
  });

  test('nobody_whom_it_knows', async () => {
    for (const body of [{ result: null }, {}]) {
      answer(body);
      assert.equal((await refusalOf()).code, 3501);
    }
  });

  test('an_unknown_channel', async () => {
    grant({ user: '42', channels: ['nowhere:a'] });
    assert.equal((await refusalOf()).code, 102);
  });

  test('statuses_that_mean_something', async () => {
    answer('', 404);
    assert.deepEqual(await refusalOf(), { code: 4504, reason: 'not found' });
    answer('', 403);
    assert.deepEqual(await refusalOf(), { code: 1403, message: 'not today' });
  });

  test('what_makes_no_sense_is_an_internal_error', async () => {
    const value = 'a value that nobody is to log';
    for (const [status, body] of [
      [500, value],
      [302, ''],
      [200, ''],
      [200, value],
      [200, '[]'],
      [200, { result: { user: [value] } }],
      [200, { disconnect: { code: 1, reason: value } }],
      [200, { result: { user: '42', data: 'x'.repeat(2_000_000) } }],
    ]) {
      answer(body, status);
      assert.deepEqual(await refusalOf(), kInternal, `${status} ${JSON.stringify(body).slice(0, 80)}`);
    }
    const scrape = await server.metrics();
    for (const reason of ['status', 'malformed', 'too_large'])
      assert.ok(scrape.value('millrace_proxy_errors_total', { reason }) > 0, reason);
    assert.match(server.logs(), /connect proxy problem=/);
    assert.ok(!server.logs().includes(value));
  });
});

describe('a backend that is slow or away', () => {
  test('a_time_out_is_an_internal_error', async () => {
    backend.reset(() => null);
    assert.deepEqual(await refusalOf(), kInternal);
  });

  test('a_client_that_leaves_before_the_answer_leaves_nothing_behind', async () => {
    backend.reset(() => null);
    const raw = await RawClient.open(server);
    raw.send('{"id":1,"connect":{}}');
    const stream = await HttpStream.open(server, '/connection/http_stream');
    await backend.asked.next();
    await backend.asked.next();
    raw.socket.terminate();
    stream.close();
    backend.release();
    await until(
      async () => (await server.metrics()).value('millrace_proxy_inflight_requests') === 0,
      'all questions are answered',
    );
    await server.becomesIdle(15_000);
    grant({ user: '42' });
    const { nodes } = await api(server, 'info', {});
    assert.equal(nodes[0].num_users, 0);
  });

  test('commands_that_come_while_it_thinks_wait', async () => {
    backend.reset(() => null);
    const raw = await RawClient.open(server);
    raw.send('{"id":1,"connect":{}}\n{"id":2,"publish":{"channel":"room:b","data":1}}');
    await backend.asked.next();
    backend.release();
    assert.ok(JSON.parse(await raw.messages.next()).connect);
    assert.equal(JSON.parse(await raw.messages.next()).error.code, 103);
  });

  test('clients_come_back_when_it_does', async () => {
    await backend.stop();
    const client = makeClient(server);
    const failed = eventOf(client, 'error');
    const connected = eventOf(client, 'connected', { within: 10_000 });
    client.connect();
    assert.equal((await failed).error.code, 100);
    await backend.start();
    await connected;
  });

  test('a_storm_is_told_to_come_back_later', async () => {
    const config = configOf(backend, { requests_max: 2, timeout: '5s' }, { workers: 1 });
    const own = await startServer({ dev: false, config });
    backend.reset(() => null);
    const first = [await RawClient.open(own), await RawClient.open(own)];
    for (const raw of first) raw.send('{"id":1,"connect":{}}');
    await backend.asked.next();
    await backend.asked.next();
    const third = await connectRaw({}, { to: own });
    assert.deepEqual(third.reply.error, { code: 111, message: 'too many requests', temporary: true });
    backend.release();
    for (const raw of first) assert.ok(JSON.parse(await raw.messages.next()).connect);
    closeClients();
    await own.stop();
  });
});

describe('coming back', () => {
  for (const transport of ['websocket', 'http_stream', 'sse', 'long_poll']) {
    test(`over_${transport}_with_what_was_missed`, async () => {
      const channel = `log:${transport}`;
      grant({ user: '42', channels: [channel] });
      const client = makeClient(server, over(server, [transport]));
      const got = new Inbox('a publication');
      client.on('publication', (context) => got.push(context.data));
      const connected = eventOf(client, 'connected');
      client.connect();
      await connected;
      await api(server, 'publish', { channel, data: 1 });
      assert.equal(await got.next(), 1);
      // The backend holds the next connect back until there is something to recover.
      backend.reset(() => null);
      const again = eventOf(client, 'connected');
      await api(server, 'disconnect', { user: '42', disconnect: { code: 3001, reason: 'again' } });
      await backend.asked.next();
      for (const data of [2, 3]) await api(server, 'publish', { channel, data });
      backend.release({ body: { result: { user: '42', channels: [channel] } } });
      await again;
      assert.deepEqual([await got.next(), await got.next()], [2, 3]);
    });
  }
});

describe('who is asked about whom', () => {
  test('a_token_speaks_for_itself', async () => {
    const token = await tokenOf({ sub: '7', exp: inSeconds(100), subs: { 'room:b': {} } });
    const { reply } = await connectRaw({ token });
    assert.ok(reply.connect.subs['room:b']);
    assert.equal(backend.asked.items.length, 0);
  });

  test('bans_and_limits_of_users_count', async () => {
    const config = configOf(backend, {}, { client: { user_connection_limit: 1 } });
    const own = await startServer({ dev: false, config });
    await connectRaw({}, { to: own });
    const second = await RawClient.open(own);
    second.send('{"id":1,"connect":{}}');
    assert.equal((await second.closed()).code, 3504);
    closeClients();
    await sessionsEnd(own);
    await api(own, 'block_user', { user: '42' });
    const banned = await RawClient.open(own);
    banned.send('{"id":1,"connect":{}}');
    assert.equal((await banned.closed()).code, 3507);
    await own.stop();
  });

  test('that_tokens_were_revoked_is_nothing_to_those_without_one', async () => {
    await api(server, 'invalidate_user_tokens', { user: '42', issued_before: inSeconds(100) });
    assert.ok((await connectRaw()).reply.connect);
  });
});

describe('a user named by a proxy in front', () => {
  const kHeaders = { 'X-User': '77' };
  const named = (trusted, more = {}) =>
    startServer({
      dev: false,
      config: {
        http_server: { trusted_proxies: trusted },
        http_api: { key: kApiKey },
        uni_http_stream: { enabled: true },
        ...more,
        client: { user_id_http_header: 'X-User', ...more.client },
        channel: { namespaces: [{ name: 'open', allow_subscribe_for_client: true, presence: true }] },
      },
    });

  test('is_believed_if_the_proxy_is_trusted', async () => {
    const own = await named(['127.0.0.1']);
    const raw = await connectRaw({}, { to: own, headers: kHeaders });
    assert.ok(raw.reply.connect);
    const subscribed = JSON.parse(await raw.ask({ id: 2, subscribe: { channel: 'open:a' } }));
    assert.ok(subscribed.subscribe);
    const { presence } = await api(own, 'presence', { channel: 'open:a' });
    assert.deepEqual(Object.values(presence).map((each) => each.user), ['77']);
    const stream = await HttpStream.open(own, '/connection/uni_http_stream?channel=open:a', {
      headers: kHeaders,
      body: '{}',
    });
    assert.deepEqual(Object.keys((await stream.message()).connect.subs), ['open:a']);
    const nameless = await RawClient.open(own);
    nameless.send('{"id":1,"connect":{}}');
    assert.equal((await nameless.closed()).code, 3501);
    const twice = await own.request('/connection/uni_http_stream', {
      method: 'POST',
      headers: { 'X-User': ['77', '78'] },
      body: '{}',
    });
    assert.equal(twice.status, 400);
    closeClients();
    closeStreams();
    await own.stop();
  });

  test('is_nobody_if_the_client_says_so_itself', async () => {
    const own = await named(['10.0.0.1']);
    const raw = await RawClient.open(own, { headers: kHeaders });
    raw.send('{"id":1,"connect":{}}');
    assert.equal((await raw.closed()).code, 3501);
    await own.stop();
  });

  test('counts_only_where_the_backend_knows_nobody', async () => {
    const own = await startServer({
      dev: false,
      config: configOf(
        backend,
        { http_headers: ['X-User', 'X-Forwarded-For', 'X-Forwarded-Proto'] },
        {
          http_server: { trusted_proxies: ['127.0.0.1'] },
          client: { user_id_http_header: 'X-User', user_connection_limit: 1 },
        },
      ),
    });
    const headers = { ...kHeaders, 'X-Forwarded-For': '9.9.9.9, 203.0.113.7', 'X-Forwarded-Proto': 'https' };
    const byBackend = await connectRaw({}, { to: own, headers });
    assert.ok(byBackend.reply.connect);
    const asked = await backend.asked.next();
    assert.equal(asked.headers['x-user'], '77');
    assert.equal(asked.headers['x-forwarded-for'], '203.0.113.7');
    assert.equal(asked.headers['x-forwarded-proto'], 'https');
    answer({ result: null });
    assert.ok((await connectRaw({}, { to: own, headers })).reply.connect, 'it is another user');
    const second = await RawClient.open(own, { headers });
    second.send('{"id":1,"connect":{}}');
    assert.equal((await second.closed()).code, 3504, 'of whom there is one already');
    closeClients();
    await own.stop();
  });
});
