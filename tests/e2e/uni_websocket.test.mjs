// WebSockets on which clients only listen: how they are pinged and compressed, and how they end.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, afterEach, before, describe, test } from 'node:test';

import { RawClient, closeClients } from './clients.mjs';
import { startServer } from './harness.mjs';
import { disconnectPush } from './http_streams.mjs';
import { api, configOf } from './streams.mjs';

const kPath = '/connection/uni_websocket';
const open = (server, options = {}) =>
  RawClient.open(server, { path: kPath, query: 'channel=a', ...options });

afterEach(closeClients);

describe('a unidirectional WebSocket that the server closes', () => {
  const start = (uni_websocket) =>
    startServer({ config: { workers: 1, uni_websocket: { enabled: true, ...uni_websocket } } });
  // What a client hears from there on, and how it ends.
  const endOf = async (to) => {
    const client = await open(to);
    assert.ok(JSON.parse(await client.messages.next()).connect);
    to.kill('SIGTERM');
    const end = await client.closed();
    assert.equal((await to.ended()).code, 0);
    return { heard: client.messages.items.map((text) => JSON.parse(text)), end };
  };
  const why = { code: 3001, reason: 'shutdown' };

  test('is_told_twice_why', async () => {
    assert.deepEqual(await endOf(await start({})), { heard: [disconnectPush(why)], end: why });
  });

  test('is_told_by_the_close_frame_only_where_that_was_asked_for', async () => {
    const to = await start({ disable_disconnect_push: true });
    assert.deepEqual(await endOf(to), { heard: [], end: why });
  });

  test('is_told_by_a_push_only_where_that_was_asked_for', async () => {
    const to = await start({ disable_closing_handshake: true });
    const end = { code: 1006, reason: '' };
    assert.deepEqual(await endOf(to), { heard: [disconnectPush(why)], end });
  });

  test('has_its_own_close_frame_answered_all_the_same', async () => {
    const to = await start({ disable_closing_handshake: true });
    const client = await open(to);
    await client.messages.next();
    client.socket.close(1000, 'bye');
    assert.equal((await client.closed()).code, 1000);
    await to.stop();
  });
});

describe('a unidirectional WebSocket that is pinged', () => {
  let server;
  before(async () => {
    const client = { ping_interval: '1s', pong_timeout: '900ms' };
    server = await startServer({
      config: configOf({}, { workers: 1, client, uni_websocket: { enabled: true } }),
    });
  });
  after(() => server.stop());

  test('stays_as_long_as_it_answers_the_pings_of_webSockets_own', async () => {
    const client = await open(server);
    const { connect } = JSON.parse(await client.messages.next());
    assert.equal(connect.pong, undefined, 'the protocol has no pongs here');
    for (let i = 0; i < 3; ++i) {
      const pinged = once(client.socket, 'ping');
      assert.equal(await client.messages.next(), '{}');
      await pinged;
    }
    assert.equal(client.socket.readyState, client.socket.OPEN);
  });

  test('is_closed_when_nobody_answers', async () => {
    const client = await open(server, { autoPong: false });
    const why = { code: 3012, reason: 'no pong' };
    assert.deepEqual(await client.closed(), why);
    assert.deepEqual(JSON.parse(client.messages.items.at(-1)), disconnectPush(why));
  });
});

describe('a unidirectional WebSocket', () => {
  const kText = 'the same again and again, '.repeat(400);
  const servers = {};
  const start = (compression, own) =>
    startServer({
      config: configOf(
        {},
        {
          workers: 1,
          websocket: { compression },
          uni_websocket: { enabled: true, compression_min_size: 1000, ...own },
        },
      ),
    });
  before(async () => {
    servers.off = await start(true, { compression: false });
    servers.fast = await start(false, { compression: true });
    servers.small = await start(false, { compression: true, compression_level: 9 });
  });
  after(() => Promise.all(Object.values(servers).map((server) => server.stop())));

  const openPacked = (server) => open(server, { perMessageDeflate: true });
  // The bytes on the wire that a publication takes, which comes whole.
  const bytesOf = async (client, server, data) => {
    const before = client.socket._socket.bytesRead;
    await api(server, 'publish', { channel: 'a', data });
    assert.equal(JSON.parse(await client.messages.next()).pub.data, data);
    return client.socket._socket.bytesRead - before;
  };

  test('is_compressed_where_that_was_asked_for_and_only_there', async () => {
    for (const [name, own, other] of [
      ['off', '', 'permessage-deflate'],
      ['fast', 'permessage-deflate', ''],
    ]) {
      const uni = await openPacked(servers[name]);
      const both = await RawClient.open(servers[name], { perMessageDeflate: true });
      assert.equal(uni.socket.extensions.split(';')[0], own);
      assert.equal(both.socket.extensions.split(';')[0], other);
    }
  });

  test('gets_long_messages_compressed_and_short_ones_as_they_are', async () => {
    const [plain, packed] = [await openPacked(servers.off), await openPacked(servers.fast)];
    for (const client of [plain, packed]) await client.messages.next(); // the connect
    assert.ok((await bytesOf(plain, servers.off, kText)) > kText.length);
    assert.ok((await bytesOf(packed, servers.fast, kText)) < kText.length / 10);
    assert.ok((await bytesOf(packed, servers.fast, 'x'.repeat(500))) > 500);
  });

  test('gets_them_as_small_as_its_own_level_makes_them', async () => {
    const words = Array.from({ length: 3000 }, (_, i) => `${(i * 7919) % 997}`).join(' ');
    const sizes = [];
    for (const name of ['fast', 'small']) {
      const client = await openPacked(servers[name]);
      await client.messages.next();
      sizes.push(await bytesOf(client, servers[name], words));
    }
    assert.ok(sizes[1] < sizes[0], `${sizes}`);
  });
});
