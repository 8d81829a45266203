// What the endpoints of the fallbacks answer, to the byte and the header: to those who may ask, and
// to those who may not.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import http from 'node:http';
import { after, afterEach, before, describe, test } from 'node:test';

import { RawSocket, closeClients } from './clients.mjs';
import { sessionsEnd } from './fallbacks.mjs';
import { request, startServer } from './harness.mjs';
import {
  HttpStream,
  closeStreams,
  kConnect,
  openPolls,
  openSession,
  post,
} from './http_streams.mjs';
import { configOf, freshChannel, publishAll, range } from './streams.mjs';
import { until, withDeadline } from './waiting.mjs';

const kOrigin = 'https://app.example.com';
const kLimit = 4096;
const kStream = '/connection/http_stream';
const kSse = '/connection/sse';
const kOpenPoll = '/connection/long_poll';
const kPoll = '/connection/long_poll/poll';
const kPosts = [kStream, kOpenPoll, kPoll, '/emulation'];
const kSseQuery = `${kSse}?cf_connect=${encodeURIComponent(kConnect)}`;
const kUnbuffered = {
  'cache-control': 'private, no-cache, no-store, must-revalidate, max-age=0',
  pragma: 'no-cache',
  expires: '0',
  'x-accel-buffering': 'no',
};

let server;
before(async () => {
  const limit = { max_request_body_size: kLimit };
  server = await startServer({
    config: configOf(
      { log: { history_size: 100, history_ttl: '300s' } },
      {
        workers: 4,
        client: { allowed_origins: [kOrigin], insecure: true },
        http_stream: limit,
        sse: limit,
        emulation: limit,
        long_poll: { ...limit, hold: '1s', poll_timeout: '1500ms' },
      },
    ),
  });
});
afterEach(async () => {
  closeStreams();
  closeClients();
  await server.becomesIdle();
});
after(() => server.stop());

// What `expected` does not name may be anything.
function hasHeaders(headers, expected) {
  const own = Object.keys(expected).map((name) => [name, headers[name]]);
  assert.deepEqual(Object.fromEntries(own), expected);
}

describe('a stream', () => {
  test('of_http_stream_is_lines_that_no_proxy_shall_keep', async () => {
    const stream = await HttpStream.open(server, kStream);
    assert.equal(stream.status, 200);
    hasHeaders(stream.headers, kUnbuffered);
    const { id, connect } = await stream.message();
    assert.equal(id, 1);
    assert.ok(connect.session && connect.node && connect.client);
    assert.deepEqual([connect.ping, connect.pong], [25, true]);
  });

  test('of_sse_is_events_of_the_right_type', async () => {
    for (const ask of [{ method: 'GET', path: kSseQuery }, { method: 'POST', path: kSse }]) {
      const stream = await HttpStream.open(server, ask.path, ask);
      assert.equal(stream.status, 200);
      hasHeaders(stream.headers, {
        ...kUnbuffered,
        'content-type': 'text/event-stream; charset=utf-8',
      });
      assert.match(await stream.lines.next(), /^data: \{"id":1,"connect":\{/);
      assert.equal(await stream.lines.next(), '');
    }
  });

  test('in_protobuf_is_octets', async () => {
    const stream = await HttpStream.open(server, kStream, {
      headers: { 'Content-Type': 'application/octet-stream' },
      body: Buffer.from([4, 0x08, 1, 0x22, 0]), // id: 1, connect: {}
    });
    assert.equal(stream.status, 200);
    assert.equal(stream.headers['content-type'], 'application/octet-stream');
  });

  test('answers_what_comes_by_emulation', async () => {
    const { stream, tell } = await openSession(server);
    assert.equal((await tell({ id: 2, subscribe: { channel: 'a' } })).status, 204);
    assert.deepEqual(await stream.message(), { id: 2, subscribe: {} });
    for (const id of range(3, 30)) {
      const answer = await tell({ id, publish: { channel: 'other', data: id } });
      assert.deepEqual([answer.status, answer.body], [204, '']);
      assert.deepEqual(await stream.message(), { id, publish: {} });
    }
  });

  test('ends_when_its_client_breaks_the_protocol_and_says_why', async () => {
    const { stream, session, node } = await openSession(server);
    assert.equal((await post(server, '/emulation', { session, node, data: 'x' })).status, 204);
    const { push } = await stream.message();
    assert.deepEqual(push.disconnect, { code: 3501, reason: 'bad request' });
    await stream.ended();
  });

  test('is_over_for_the_server_when_the_client_hangs_up', async () => {
    const { stream, tell } = await openSession(server);
    stream.close();
    await sessionsEnd(server);
    assert.equal((await tell({ id: 2, subscribe: { channel: 'a' } })).status, 404);
  });

  test('ends_with_the_connection_for_http_1_0', async () => {
    const raw = await RawSocket.open(server);
    const length = `Content-Length: ${kConnect.length}`;
    await raw.write(`POST ${kStream} HTTP/1.0\r\nHost: localhost\r\n${length}\r\n\r\n${kConnect}`);
    const { status, headers } = await raw.head();
    assert.equal(status, 200);
    assert.equal(headers['transfer-encoding'], undefined);
    assert.equal(headers['content-length'], undefined);
    assert.equal(headers.connection?.toLowerCase(), 'close');
  });
});

describe('a long poll', () => {
  test('is_answered_when_there_is_something', async () => {
    const { poll, tell, leave } = await openPolls(server);
    const held = poll(1);
    await tell({ id: 2, subscribe: { channel: 'a' } });
    const answer = await held;
    assert.equal(answer.status, 200);
    assert.deepEqual(answer.messages, [{ id: 2, subscribe: {} }]);
    hasHeaders(answer.headers, { 'cache-control': 'no-store' });
    await leave();
  });

  test('with_nothing_to_say_is_answered_with_204_and_does_not_count', async () => {
    const { poll, tell, leave } = await openPolls(server);
    assert.equal((await poll(1)).status, 204);
    await tell({ id: 2, subscribe: { channel: 'a' } });
    assert.deepEqual((await poll(1)).messages, [{ id: 2, subscribe: {} }]);
    await leave();
  });

  test('is_answered_again_to_the_byte_until_it_is_acknowledged', async () => {
    const { poll, tell, leave } = await openPolls(server);
    await tell({ id: 2, subscribe: { channel: 'a' } });
    const first = await poll(1);
    await tell({ id: 3, publish: { channel: 'b', data: 1 } });
    for (const again of [await poll(1), await poll(1)]) {
      assert.deepEqual([again.status, again.body], [200, first.body]);
    }
    assert.deepEqual((await poll(2)).messages, [{ id: 3, publish: {} }]);
    await leave();
  });

  test('gives_way_to_a_newer_one', async () => {
    const { poll, tell, leave } = await openPolls(server);
    const old = poll(1);
    const young = poll(1);
    const [which, answer] = await Promise.race([
      old.then((got) => ['old', got]),
      young.then((got) => ['young', got]),
    ]);
    assert.equal(answer.status, 204);
    await tell({ id: 2, subscribe: { channel: 'a' } });
    const other = await (which === 'old' ? young : old);
    assert.deepEqual(other.messages, [{ id: 2, subscribe: {} }]);
    await leave();
  });

  test('with_an_impossible_acknowledgement_is_a_bad_request', async () => {
    const { poll, leave } = await openPolls(server);
    for (const ack of [2, 3, -1, 1.5, '1', 2 ** 60]) {
      assert.equal((await poll(ack)).status, 400, `ack ${ack}`);
    }
    assert.ok([204, 404].includes((await leave()).status));
  });

  test('finds_no_session_after_goodbye', async () => {
    const { poll, leave, tell } = await openPolls(server);
    const held = poll(1);
    const goodbye = await leave();
    assert.deepEqual([goodbye.status, goodbye.body], [204, '']);
    assert.ok([204, 404].includes((await held).status));
    assert.equal((await poll(1)).status, 404);
    assert.equal((await tell({ id: 2, subscribe: { channel: 'a' } })).status, 404);
  });

  test('that_does_not_come_ends_the_session', async () => {
    const { poll } = await openPolls(server);
    await sessionsEnd(server);
    assert.equal((await poll(1)).status, 404);
  });

  test('lets_in_commands_that_waited_for_it_and_brings_their_replies', async () => {
    const { poll, tell, leave } = await openPolls(server);
    const channel = freshChannel('log');
    await tell({ id: 2, subscribe: { channel } });
    await poll(1);
    // Over half of client.queue_max_size, nothing more is taken from a client.
    const data = 'x'.repeat(700_000);
    await publishAll(server, channel, [data]);
    const value = async (name) => (await server.metrics()).value(name);
    await until(async () => (await value('millrace_outbox_bytes')) > data.length, 'much waits');
    const told = tell({ id: 3, rpc: { method: 'nobody knows' } });
    await until(async () => (await value('millrace_http_connections')) >= 2, 'a command waits');
    assert.equal((await poll(2)).messages[0].push.pub.data, data);
    assert.equal((await told).status, 204);
    const [reply] = (await poll(3)).messages;
    assert.deepEqual([reply.id, reply.error.code], [3, 108]);
    await leave();
  });

  test('brings_all_that_was_published_meanwhile_at_once', async () => {
    const channel = freshChannel('log');
    const { poll, tell, leave } = await openPolls(server);
    await tell({ id: 2, subscribe: { channel } });
    assert.equal((await poll(1)).messages[0].id, 2);
    await publishAll(server, channel, range(1, 50));
    const heard = [];
    for (let ack = 2; heard.length < 50; ack += 1) {
      heard.push(...(await poll(ack)).messages.map(({ push }) => push.pub.data));
    }
    assert.deepEqual(heard, range(1, 50));
    await leave();
  });
});

describe('a request that should not be', () => {
  test('with_another_method_is_refused_with_405', async () => {
    for (const path of [...kPosts, kSse]) {
      for (const method of ['PUT', 'DELETE', ...(path === kSse ? [] : ['GET'])]) {
        const answer = await request(server, path, { method });
        assert.equal(answer.status, 405, `${method} ${path}`);
        assert.match(answer.headers.allow, /POST/);
      }
    }
  });

  test('that_is_malformed_is_refused_with_400', async () => {
    for (const body of ['', 'x', '[]', '{"session":1}', '{"session":"a","node":"b"', '"x"']) {
      for (const path of ['/emulation', kPoll]) {
        const answer = await post(server, path, body);
        assert.equal(answer.status, 400, `${path} ${body}`);
      }
    }
    assert.equal((await request(server, kSse)).status, 400);
    assert.equal((await request(server, `${kSse}?cf_connect=`)).status, 400);
    const binary = { 'Content-Type': 'application/octet-stream' };
    for (const cut of ['\x0a\x7fabc', '\x0a', '\x12\x05ab']) {
      assert.equal((await post(server, '/emulation', cut, binary)).status, 400);
    }
  });

  test('that_is_too_large_is_refused_with_413', async () => {
    const data = 'x'.repeat(kLimit);
    const large = { session: 's', node: 'n', data };
    for (const path of kPosts) assert.equal((await post(server, path, large)).status, 413, path);
  });

  test('from_a_foreign_origin_is_refused_with_403', async () => {
    const headers = { Origin: 'https://evil.example.com', 'Content-Type': 'application/json' };
    for (const path of kPosts) {
      const answer = await post(server, path, kConnect, headers);
      assert.equal(answer.status, 403, path);
      assert.equal(answer.headers['access-control-allow-origin'], undefined);
    }
    const asked = await request(server, kSseQuery, { headers });
    assert.equal(asked.status, 403);
  });

  test('opens_no_session', async () => {
    const before = (await server.metrics()).value('millrace_sessions');
    for (const path of [kStream, kOpenPoll]) {
      await post(server, path, 'x'.repeat(kLimit + 1));
      await post(server, path, kConnect, { Origin: 'https://evil.example.com' });
    }
    assert.equal((await server.metrics()).value('millrace_sessions'), before);
  });
});

describe('another origin', () => {
  const own = {
    'access-control-allow-origin': kOrigin,
    'access-control-allow-credentials': 'true',
  };

  test('that_is_allowed_is_told_before_it_asks', async () => {
    for (const path of [...kPosts, kSse]) {
      const answer = await request(server, path, {
        method: 'OPTIONS',
        headers: {
          Origin: kOrigin,
          'Access-Control-Request-Method': 'POST',
          'Access-Control-Request-Headers': 'content-type,x-own',
        },
      });
      assert.deepEqual([answer.status, answer.body], [204, ''], path);
      hasHeaders(answer.headers, { ...own, 'access-control-max-age': '300' });
      assert.match(answer.headers['access-control-allow-methods'], /\bPOST\b/);
      assert.equal(answer.headers['access-control-allow-headers'], 'content-type,x-own');
      assert.match(answer.headers.vary, /\bOrigin\b/i);
    }
  });

  test('reads_every_answer', async () => {
    const headers = { Origin: kOrigin, 'Content-Type': 'application/json' };
    for (const ask of [{ path: kStream }, { path: kSseQuery, method: 'GET' }]) {
      const stream = await HttpStream.open(server, ask.path, { ...ask, headers });
      hasHeaders(stream.headers, own);
      assert.match(stream.headers.vary, /\bOrigin\b/i);
    }
    const opened = await post(server, kOpenPoll, kConnect, headers);
    hasHeaders(opened.headers, own);
    const gone = await post(server, kPoll, { session: 'a', node: 'b', ack: 1 }, headers);
    assert.equal(gone.status, 404);
    hasHeaders(gone.headers, own);
    const lost = await post(server, '/emulation', { session: 'a', node: 'b', data: '' }, headers);
    hasHeaders(lost.headers, own);
  });
});

describe('a session of somebody else', () => {
  // Ids that are like a real one, but for the secret in it.
  const forged = (session) => [
    session.slice(0, -1) + (session.endsWith('0') ? '1' : '0'),
    session.slice(0, -8) + randomBytes(4).toString('hex'),
    (session.startsWith('0') ? '1' : '0') + session.slice(1),
    session.slice(0, -1),
    `${session}0`,
    session.toUpperCase() === session ? session.toLowerCase() : session.toUpperCase(),
    randomBytes(Math.ceil(session.length / 2)).toString('hex'),
    '0'.repeat(session.length),
    'f'.repeat(session.length),
    'a',
    'x'.repeat(500),
    'é'.repeat(20),
  ];

  test('is_not_found_by_forged_ids_and_nobody_is_harmed', async () => {
    const { stream, session, node, tell } = await openSession(server);
    const polls = await openPolls(server);
    const held = polls.poll(1);
    const data = '{"id":9,"subscribe":{"channel":"stolen"}}\n';
    for (const [real, id] of [session, polls.session].flatMap((own) =>
      forged(own).map((one) => [own, one]),
    )) {
      if (id === real) continue;
      const told = await post(server, '/emulation', { session: id, node, data });
      assert.equal(told.status, 404, `emulation ${id}`);
      const polled = await post(server, kPoll, { session: id, node, ack: 1 });
      assert.equal(polled.status, 404, `poll ${id}`);
      const left = await post(server, kPoll, { session: id, node, close: true });
      assert.ok([204, 404].includes(left.status), `goodbye ${id}: ${left.status}`);
    }
    await tell({ id: 2, subscribe: { channel: 'own' } });
    assert.deepEqual(await stream.message(), { id: 2, subscribe: {} });
    await polls.tell({ id: 2, subscribe: { channel: 'own' } });
    const answer = await held;
    const { messages } = answer.status === 204 ? await polls.poll(1) : answer;
    assert.deepEqual(messages, [{ id: 2, subscribe: {} }]);
    await polls.leave();
  });

  test('is_not_found_on_another_node', async () => {
    const { session, node } = await openSession(server);
    for (const other of ['', 'x', `${node}x`, node.slice(1)]) {
      const answer = await post(server, '/emulation', { session, node: other, data: '{}' });
      assert.ok([400, 404].includes(answer.status), `${other}: ${answer.status}`);
    }
  });

  test('of_a_stream_has_no_polls', async () => {
    const { stream, session, node, tell } = await openSession(server);
    const ask = (what) => post(server, kPoll, { session, node, ...what });
    for (const ack of [0, 1, 2]) assert.ok([400, 404].includes((await ask({ ack })).status));
    await tell({ id: 2, subscribe: { channel: 'own' } });
    assert.deepEqual(await stream.message(), { id: 2, subscribe: {} });
  });

  test('of_a_server_that_is_gone_is_not_found_by_its_successor', async () => {
    const first = await startServer();
    const { session, node } = await openSession(first);
    const polls = await openPolls(first);
    first.kill('SIGKILL');
    await first.ended();
    const second = await startServer({ port: first.port });
    assert.equal((await post(second, '/emulation', { session, node, data: '{}' })).status, 404);
    const { session: other } = polls;
    assert.equal((await post(second, kPoll, { session: other, node, ack: 1 })).status, 404);
    await second.stop();
  });
});

test('a_held_poll_whose_client_hangs_up_is_held_no_more', async () => {
  // Held, a poll would outlast the patience of the test.
  const patient = await startServer({ config: { workers: 2, long_poll: { poll_timeout: '1s' } } });
  const { session, node } = await openPolls(patient);
  const { host, port } = patient;
  const polls = range(1, 2).map(() => {
    const poll = http.request({ host, port, path: kPoll, method: 'POST', agent: false });
    poll.on('error', () => {});
    poll.end(JSON.stringify({ session, node, ack: 1 }));
    return poll;
  });
  // Whichever came second is held now.
  const answered = polls.map(
    (poll) => new Promise((done) => poll.on('response', ({ statusCode }) => done([poll, statusCode]))),
  );
  const [gaveWay, status] = await withDeadline(Promise.race(answered), 'one of two polls gives way');
  assert.equal(status, 204);
  polls.find((poll) => poll !== gaveWay).destroy();
  await sessionsEnd(patient);
  await patient.stop();
});
