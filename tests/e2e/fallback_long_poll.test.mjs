// The long polling of clients/js by itself: a fetch() that makes one stream of many responses.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';

import { longPoll } from '../../clients/js/long_poll.js';
import { startProxy } from './crooked_proxy.mjs';
import { kKeptAliveMs, sessionsEnd } from './fallbacks.mjs';
import { startServer } from './harness.mjs';
import { kConnect, post } from './http_streams.mjs';
import { configOf, range } from './streams.mjs';
import { Inbox, until, withDeadline } from './waiting.mjs';

const kPath = '/connection/long_poll';

let server;
before(async () => {
  server = await startServer({
    config: configOf({}, { workers: 1, long_poll: { hold: '1s', poll_timeout: '2s' } }),
  });
});
const aborters = [];
afterEach(async () => {
  for (const aborter of aborters.splice(0)) aborter.abort();
  await sessionsEnd(server);
});
after(() => server.stop());

// A stream by long polling: {response, lines, over, aborter, asked}, where `over` tells how it
// ended, and `asked` has each request as it was made.
async function open(at, { query = '', body = kConnect, headers, options, ...rest } = {}) {
  const aborter = new AbortController();
  aborters.push(aborter);
  const asked = [];
  const recorded = (address, request) => {
    const said = request.body === body ? null : JSON.parse(request.body);
    asked.push({ ...request, address, said });
    return fetch(address, request);
  };
  const response = await longPoll({ fetch: recorded, ...rest })(`${at.url}${kPath}${query}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...headers },
    body,
    signal: aborter.signal,
    ...options,
  });
  return { response, aborter, asked, ...(response.ok ? reading(response) : {}) };
}

function reading(response) {
  const lines = new Inbox('a line');
  const reader = response.body.getReader();
  const read = async () => {
    const decoder = new TextDecoder();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return 'the end';
      const whole = decoder.decode(value).split('\n');
      assert.equal(whole.pop(), '', 'each body is of whole lines');
      for (const line of whole) lines.push(JSON.parse(line));
    }
  };
  const over = read().catch((error) => error.name);
  return { lines, reader, over: withDeadline(over, 'the end of the stream', 10_000) };
}

async function sessionOf({ lines }) {
  const { session, node } = (await lines.next()).connect;
  const tell = (command) =>
    post(server, '/emulation', { session, node, data: `${JSON.stringify(command)}\n` });
  return { session, node, tell };
}

const polls = ({ asked }) => asked.filter(({ said }) => said?.ack !== undefined);
const goodbyes = ({ asked }) => asked.filter(({ said }) => said?.close === true);

describe('a long poll', () => {
  test('goes_on_through_many_responses_and_empty_ones', async () => {
    const stream = await open(server);
    const { tell } = await sessionOf(stream);
    for (const id of range(2, 6)) {
      const made = polls(stream).length;
      await until(() => polls(stream).length > made, 'a poll brought nothing');
      await tell({ id, publish: { channel: 'a', data: id } });
      assert.deepEqual(await stream.lines.next(), { id, publish: {} });
    }
    assert.equal(polls(stream).at(-1).said.ack > 4, true);
  });

  test('is_made_as_the_first_request_was_and_needs_no_preflight', async () => {
    const options = { credentials: 'include', mode: 'cors', referrerPolicy: 'no-referrer' };
    const stream = await open(server, { options, query: '?a=b', headers: { 'X-Own': '1' } });
    await sessionOf(stream);
    await until(() => polls(stream).length > 0, 'a poll');
    const [poll] = polls(stream);
    assert.equal(poll.address, `${server.url}${kPath}/poll?a=b`);
    for (const [name, value] of Object.entries(options)) assert.equal(poll[name], value);
    assert.equal(poll.method, 'POST');
    assert.deepEqual(
      ['X-Own', 'Content-Type'].map((name) => poll.headers.get(name)),
      ['1', 'text/plain'],
    );
  });

  test('is_for_its_own_path_and_all_else_goes_through', async () => {
    const asked = [];
    const own = longPoll({
      path: '/lp',
      fetch: (...request) => {
        asked.push(request);
        return fetch(...request);
      },
    });
    const options = { headers: { 'X-Own': '1' } };
    assert.equal((await (await own(`${server.url}/health`, options)).json()).status, 'ok');
    assert.deepEqual(asked, [[`${server.url}/health`, options]]);
    const plain = await own(`${server.url}${kPath}`, { method: 'POST', body: kConnect });
    const { session, node } = (await plain.json()).connect;
    await post(server, `${kPath}/poll`, { session, node, close: true });
  });

  test('that_is_refused_says_so_as_any_request_does', async () => {
    for (const [options, status] of [
      [{ body: 'x'.repeat(70_000) }, 413],
      [{ options: { method: 'PUT' } }, 405],
    ]) {
      assert.equal((await open(server, options)).response.status, status);
    }
  });

  test('of_whoever_is_not_let_in_ends_with_the_reason', async () => {
    const stream = await open(server, { body: '{"id":1,"connect":{"token":"x"}}' });
    const { push } = await stream.lines.next();
    assert.deepEqual(push.disconnect, { code: 3500, reason: 'invalid token' });
    assert.equal(await stream.over, 'the end');
    assert.equal(stream.asked.length, 1);
  });
});

describe('the end of a long poll', () => {
  test('by_abort_says_goodbye_and_the_session_ends_at_once', async () => {
    const stream = await open(server);
    await sessionOf(stream);
    await until(() => polls(stream).length > 0, 'a poll');
    stream.aborter.abort();
    assert.equal(await stream.over, 'AbortError');
    assert.equal(polls(stream).at(-1).signal.aborted, true);
    const [{ keepalive, signal }] = goodbyes(stream);
    assert.equal(keepalive, true);
    assert.equal(signal, undefined);
    await sessionsEnd(server, 1000);
    assert.equal(goodbyes(stream).length, 1);
  });

  test('by_cancel_says_goodbye_too', async () => {
    const stream = await open(server);
    await sessionOf(stream);
    await stream.reader.cancel();
    assert.equal(await stream.over, 'the end');
    await sessionsEnd(server, 1000);
  });

  test('by_the_server_is_the_end_of_the_stream', async () => {
    const stream = await open(server);
    const { session, node, tell } = await sessionOf(stream);
    await tell({ id: 2, connect: {} });
    const { push } = await stream.lines.next();
    assert.equal(push.disconnect.code, 3501);
    assert.equal(await stream.over, 'the end');
    assert.deepEqual(goodbyes(stream), []);
    const gone = await post(server, `${kPath}/poll`, { session, node, ack: 2 });
    assert.equal(gone.status, 404);
  });

  test('comes_when_nothing_gets_through_for_as_long_as_its_patience', async () => {
    let refuses = true;
    const proxy = await startProxy(server, (response, out, path) => {
      response.resume();
      const isPoll = refuses && path.endsWith('/poll');
      out.writeHead(isPoll ? 503 : response.statusCode, response.headers);
      if (isPoll) out.end();
      else response.pipe(out);
    });
    const stream = await open(proxy, { patience: 500 });
    await sessionOf(stream);
    assert.equal(await stream.over, 'TypeError');
    assert.ok(polls(stream).length >= 2, 'it was tried again');
    assert.deepEqual([...new Set(polls(stream).map(({ said }) => said.ack))], [1]);
    refuses = false;
    proxy.close();
  });

  test('comes_at_once_when_the_answer_is_final', async () => {
    const proxy = await startProxy(server, (response, out, path) => {
      out.writeHead(path.endsWith('/poll') ? 401 : response.statusCode, response.headers);
      response.pipe(out);
    });
    const stream = await open(proxy);
    await sessionOf(stream);
    assert.equal(await stream.over, 'TypeError');
    assert.equal(polls(stream).length, 1);
    proxy.close();
  });
});

describe('a poll that gets no answer', () => {
  test('is_given_up_after_a_while_and_made_again', async () => {
    let stuck = 1;
    const proxy = await startProxy(server, (response, out, path) => {
      const isStuck = path.endsWith('/poll') && (stuck -= 1) >= 0;
      if (isStuck) return response.resume(); // and `out` stays open
      out.writeHead(response.statusCode, response.headers);
      response.pipe(out);
    });
    const stream = await open(proxy, { timeout: 500 });
    const { tell } = await sessionOf(stream);
    await tell({ id: 2, publish: { channel: 'a', data: 1 } });
    assert.deepEqual(await stream.lines.next(), { id: 2, publish: {} });
    const [first, second] = polls(stream);
    assert.equal(first.signal.aborted, true);
    assert.equal(second.said.ack, 1);
    stream.aborter.abort();
    await sessionsEnd(server);
    proxy.close();
  });
});

test('nothing_is_left_behind', () => server.becomesIdle(kKeptAliveMs));
