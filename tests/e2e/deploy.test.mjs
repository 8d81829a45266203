// The configurations of deploy/, in the real nginx and the real HAProxy: what has to get through
// gets through as it comes, over TLS, and nothing else does.

import assert from 'node:assert/strict';
import http2 from 'node:http2';
import https from 'node:https';
import net from 'node:net';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import tls from 'node:tls';
import { after, afterEach, before, describe, test } from 'node:test';

import { WebSocket } from 'ws';

import { closeClients, connect, encode, makeClient, subscribe } from './clients.mjs';
import { over, sessionsEnd } from './fallbacks.mjs';
import { makeFolder, startServer } from './harness.mjs';
import { makeFetch } from './http_client.mjs';
import { makeHaproxy, makeNginx, missing, startHaproxy, startNginx } from './proxies.mjs';
import { api, configOf, freshChannel, kApiKey, listen, publishAll, range } from './streams.mjs';
import { Inbox, eventOf, until } from './waiting.mjs';

const kMakers = { nginx: makeNginx, haproxy: makeHaproxy };
const kStarters = { nginx: startNginx, haproxy: startHaproxy };
const kTransports = [
  ['websocket', 'json'],
  ['websocket', 'protobuf'],
  ['http_stream', 'json'],
  ['http_stream', 'protobuf'],
  ['sse', 'json'],
  ['long_poll', 'json'],
  ['long_poll', 'protobuf'],
];
const kBodyMax = 65_536; // emulation.max_request_body_size and its like
const kSomeone = '127.0.0.9'; // a client, on this machine

const config = (rest = {}) =>
  configOf(
    { log: { history_size: 100, history_ttl: '300s', force_recovery: true } },
    { client: { insecure: true }, log: { level: 'debug' }, workers: 1, ...rest },
  );

// The official client, through a proxy.
function clientThrough(proxy, transport, protocol) {
  class Socket extends WebSocket {
    constructor(address, protocols) {
      super(address, protocols, { ca: proxy.ca });
    }
  }
  return makeClient(proxy, { protocol, websocket: Socket, ...over(proxy, [transport]) });
}

// Connected, and subscribed to a channel that remembers.
async function listenThrough(...how) {
  const client = clientThrough(...how);
  const subscription = listen(client, freshChannel('log'));
  client.connect();
  await subscription.replies.next();
  return { client, subscription, channel: subscription.channel };
}

// The address of an SSE stream with this connect command.
const ssePath = (connect = {}) =>
  `/connection/sse?cf_connect=${encodeURIComponent(JSON.stringify({ id: 1, connect }))}`;

// The messages of an SSE stream, each as it comes.
function messagesOf(readable) {
  const messages = new Inbox('a message of the stream');
  const lines = createInterface({ input: readable });
  lines.on('line', (line) => {
    if (line.startsWith('data:')) messages.push(JSON.parse(line.slice('data:'.length)));
  });
  lines.on('error', () => {}); // it is closed, too
  readable.on('close', () => messages.end(new Error('the stream ended')));
  return messages;
}

// {status, messages, close()}, of an SSE stream.
async function openStream(proxy, connect, options = {}) {
  const { host, port, ca } = proxy;
  const asked = https.request({ host, port, ca, path: ssePath(connect), agent: false, ...options });
  asked.on('error', () => {}); // that it was closed
  asked.end();
  const response = await eventOf(asked, 'response');
  const { statusCode: status } = response;
  return { status, messages: messagesOf(response), close: () => asked.destroy() };
}

// The same over HTTP/2, which a proxy makes HTTP/1.1 of.
async function openStreamOverHttp2(proxy, connect) {
  const session = http2.connect(proxy.url, { ca: proxy.ca });
  session.on('error', () => {});
  const stream = session.request({ ':path': ssePath(connect) });
  const headers = await eventOf(stream, 'response');
  const close = () => session.destroy();
  return { status: headers[':status'], messages: messagesOf(stream), close };
}

// What the server's log says of the one request for `path`.
async function logged(server, path) {
  const isIt = (line) => line.includes(' request ') && line.includes(` path=${path} `);
  const line = await until(() => server.logs().split('\n').find(isIt), `a line about ${path}`);
  return Object.fromEntries(line.split(' ').map((word) => word.split('=')));
}

// Who the server takes a client at kSomeone for, who claims to be somebody else in every header.
async function takenFor(server, proxy) {
  const path = '/connection/sse';
  const claim = '203.0.113.66';
  const headers = { 'X-Forwarded-For': claim, Forwarded: `for=${claim}`, 'X-Real-IP': claim };
  await proxy.request(path, { headers, localAddress: kSomeone });
  return (await logged(server, path)).client;
}

describe('the configurations', () => {
  const kVariants = [
    ['nginx', {}],
    ['nginx', { behindBalancer: true }],
    ['haproxy', {}],
    ['haproxy', { behindBalancer: true }],
    ['haproxy', { proxyProtocol: true }],
  ];
  for (const [program, options] of kVariants) {
    const variant = [program, ...Object.keys(options)].join(' ');
    test(`${variant}: accepted_without_a_warning`, { skip: missing(program) }, async () => {
      const proxy = await kMakers[program]({ host: '127.0.0.1', port: 8000 }, options);
      const { status, output } = proxy.check();
      assert.equal(status, 0, output);
      assert.doesNotMatch(output, /warn|emerg|alert|error/i);
    });
  }
});

for (const [program, start] of Object.entries(kStarters)) {
  describe(`through ${program}`, { skip: missing(program) }, () => {
    const nodesFetch = globalThis.fetch;
    let server;
    let proxy;
    before(async () => {
      server = await startServer({ dev: false, config: config() });
      proxy = await start(server);
      globalThis.fetch = makeFetch(proxy);
    });
    after(async () => {
      globalThis.fetch = nodesFetch;
      await proxy.stop();
      await server.stop();
    });
    afterEach(async () => {
      closeClients();
      await sessionsEnd(server);
    });

    for (const [transport, protocol] of kTransports) {
      describe(`${transport} in ${protocol}`, () => {
        const listening = () => listenThrough(proxy, transport, protocol);

        test('messages_go_both_ways_each_as_it_comes', async () => {
          const far = await listening();
          const near = await connect(server, { protocol });
          const heard = await subscribe(near, far.channel);
          for (const n of range(1, 5)) {
            // The next is sent when this one has come: none is pushed out by another.
            await near.publish(far.channel, encode(near, { n }));
            assert.deepEqual(await far.subscription.heard(1), [{ n }]);
            assert.deepEqual((await heard.publications.next()).data, { n });
            await far.subscription.publish(encode(far.client, { back: n }));
            assert.deepEqual((await heard.publications.next()).data, { back: n });
            assert.deepEqual(await far.subscription.heard(1), [{ back: n }]);
          }
        });

        test('what_is_published_while_the_proxy_is_gone_comes_when_it_is_back', async () => {
          const { client, subscription, channel } = await listening();
          await publishAll(server, channel, range(1, 3));
          assert.deepEqual(await subscription.heard(3), range(1, 3));
          // A poll that is cut off is made again, by the same session; who has another transport
          // connects anew, and recovers.
          const isPolled = transport === 'long_poll';
          const away = isPolled || eventOf(client, 'connecting');
          await proxy.stop();
          await away;
          await publishAll(server, channel, range(4, 8));
          await proxy.start();
          if (!isPolled) assert.equal((await subscription.replies.next()).recovered, true);
          await publishAll(server, channel, range(9, 10));
          assert.deepEqual(await subscription.heard(7), range(4, 10));
        });
      });
    }

    for (const [version, open] of [['1.1', openStream], ['2', openStreamOverHttp2]]) {
      test(`a_stream_over_http_${version}_comes_as_it_is_and_ends_with_its_client`, async () => {
        const channel = freshChannel('log');
        const { status, messages, close } = await open(proxy, { subs: { [channel]: {} } });
        assert.equal(status, 200);
        assert.ok((await messages.next()).connect.subs[channel]);
        for (const data of range(1, 5)) {
          await api(server, 'publish', { channel, data });
          assert.equal((await messages.next()).push.pub.data, data);
        }
        close();
        // Long before anything is written to it, or a time-out passes.
        await sessionsEnd(server);
      });
    }

    test('a_websocket_that_is_torn_is_missed_at_once', async () => {
      const socket = new WebSocket(proxy.wsUrl, { ca: proxy.ca });
      await eventOf(socket, 'open');
      socket.send('{"id":1,"connect":{}}');
      await eventOf(socket, 'message');
      socket.terminate();
      await sessionsEnd(server);
    });

    test('a_token_of_twelve_kilobytes_in_the_url_gets_through', async () => {
      const { status, messages, close } = await openStream(proxy, { data: 'x'.repeat(12_000) });
      assert.equal(status, 200);
      assert.ok((await messages.next()).connect.client);
      close();
    });

    test('the_access_log_does_not_tell_what_is_in_the_url', async () => {
      const { messages, close } = await openStream(proxy, { name: 'secret' });
      await messages.next();
      close();
      await until(() => /GET \/connection\/sse HTTP/.test(proxy.logs()), 'the stream is logged');
      assert.doesNotMatch(proxy.logs(), /secret|cf_connect/);
    });

    test('only_what_clients_need_is_reachable', async () => {
      const asked = { method: 'POST', headers: { 'X-API-Key': kApiKey }, body: '{}' };
      assert.equal((await server.request('/api/info', asked)).status, 200);
      const calls = async () => (await server.metrics()).value('millrace_api_calls_total');
      const before = await calls();
      assert.ok(before > 0);
      const open = ['/metrics', '/health', '/health/ready', '/health/live'];
      for (const path of open) assert.equal((await server.request(path)).status, 200, path);
      const crooked = [
        ...['/connection/../api/info', '/connection/%2e%2e/api/info', '/connection/..%2fapi/info'],
        ...['/emulation/../api/info', '/connection/sse/../../api/info', '//api/info', '/API/info'],
        ...['/connection/../metrics', `http://${server.host}:${server.port}/api/info`],
      ];
      for (const path of ['/', '/api', '/api/info', '/api/publish', ...open, ...crooked]) {
        for (const method of ['GET', 'POST']) {
          const { status } = await proxy.request(path, { ...asked, method });
          assert.ok(status === 404 || status === 400, `${method} ${path}: ${status}`);
        }
      }
      assert.equal(await calls(), before);
    });

    test('a_body_over_the_limit_is_refused_whether_its_length_is_told_or_not', async () => {
      const body = 'x'.repeat(kBodyMax + 1);
      const told = { 'Content-Length': body.length };
      const untold = { 'Transfer-Encoding': 'chunked' };
      for (const path of ['/emulation', '/connection/http_stream', '/connection/long_poll']) {
        for (const headers of [told, untold]) {
          const { status } = await proxy.request(path, { method: 'POST', headers, body });
          assert.equal(status, 413, `${path} with ${Object.keys(headers)}`);
        }
      }
    });

    test('a_body_of_the_limit_gets_through', async () => {
      const empty = JSON.stringify({ session: 's', node: 'n', data: '' });
      const body = empty.replace('""', `"${'x'.repeat(kBodyMax - empty.length)}"`);
      const headers = { 'Content-Type': 'application/json', 'Content-Length': kBodyMax };
      const answer = await proxy.request('/emulation', { method: 'POST', headers, body });
      assert.equal(answer.status, 404, 'which the server says, of the session');
    });

    test('pages_of_the_same_host_are_let_in_and_others_are_not', async () => {
      const statusFor = async (Origin) => {
        const { status, close } = await openStream(proxy, {}, { headers: { Origin } });
        close();
        return status;
      };
      assert.equal(await statusFor(proxy.url), 200);
      assert.equal(await statusFor('https://elsewhere.example'), 403);
      assert.equal(await statusFor(`https://${proxy.host}`), 403, 'at another port');
    });
  });

  describe(`the client's address through ${program}`, { skip: missing(program) }, () => {
    // A server and a proxy of one's own for `use`.
    async function between(http_server, options, use) {
      const socketPath = join(makeFolder(), 'direct.sock');
      const trusting = { trusted_proxies: ['127.0.0.1'], unix_socket: socketPath, ...http_server };
      const server = await startServer({
        dev: false,
        socketPath,
        config: config({ http_server: trusting }),
      });
      const proxy = await start(server, options);
      await use(server, proxy);
      await proxy.stop();
      await server.stop();
    }

    test('it_arrives_whatever_the_client_claims', () =>
      between({}, {}, async (server, proxy) => {
        assert.equal(await takenFor(server, proxy), kSomeone);
      }));

    test('it_arrives_from_a_balancer_before_it_by_the_proxy_protocol', () =>
      between({}, { behindBalancer: true }, async (server, proxy) => {
        const wire = net.connect({ host: proxy.host, port: proxy.port });
        wire.write(`PROXY TCP4 198.51.100.7 127.0.0.1 50000 ${proxy.port}\r\n`);
        const { ca, host } = proxy;
        const createConnection = () => tls.connect({ socket: wire, ca, host });
        await proxy.request('/connection/sse', { agent: undefined, createConnection });
        assert.equal((await logged(server, '/connection/sse')).client, '198.51.100.7');
      }));

    const skip = program === 'nginx' && 'nginx does not speak it over HTTP';
    test('it_arrives_by_the_proxy_protocol_and_health_checks_too', { skip }, () =>
      between({ proxy_protocol: true }, { proxyProtocol: true }, async (server, proxy) => {
        assert.equal(await takenFor(server, proxy), kSomeone);
        const locals = async () =>
          (await server.metrics()).value('millrace_proxy_headers_total', { outcome: 'local' });
        await until(async () => (await locals()) > 0, 'a health check');
        const { status } = await proxy.request('/connection/sse', { localAddress: kSomeone });
        assert.notEqual(status, 503);
      }));
  });
}
