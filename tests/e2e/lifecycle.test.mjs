// How connections end and come back: shutdown, restart, crash, pings, and clients that never
// connect.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';

import {
  RawClient,
  RawSocket,
  closeClients,
  connect,
  encode,
  frame,
  kOpcode,
  subscribe,
} from './clients.mjs';
import { startServer } from './harness.mjs';
import { eventOf } from './waiting.mjs';

afterEach(closeClients);

for (const protocol of ['json', 'protobuf']) {
  test(`a_client_comes_back_by_itself_after_a_shutdown_over_${protocol}`, async () => {
    const first = await startServer();
    const client = await connect(first, { protocol });
    const hears = await subscribe(client, 'kept');
    const connecting = eventOf(client, 'connecting');
    const closed = eventOf(client.sockets[0], 'close');
    first.kill('SIGTERM');
    assert.deepEqual(await connecting, { code: 3001, reason: 'shutdown' });
    assert.equal(await closed, 3001);
    const reconnected = eventOf(client, 'connected', { within: 15_000 });
    const resubscribed = eventOf(hears, 'subscribed', { within: 15_000 });
    assert.deepEqual(await first.ended(), { code: 0, signal: null });
    const second = await startServer({ port: first.port });
    assert.notEqual((await reconnected).client, client.id);
    await resubscribed;
    await client.publish('kept', encode(client, 'after'));
    assert.equal((await hears.publications.next()).data, 'after');
    client.disconnect();
    await second.becomesIdle();
    assert.equal((await second.stop()).code, 0);
  });
}

test('a_client_comes_back_by_itself_after_a_crash', async () => {
  const first = await startServer();
  const client = await connect(first);
  const hears = await subscribe(client, 'kept');
  const connecting = eventOf(client, 'connecting');
  first.kill('SIGKILL');
  assert.equal((await connecting).code, 1);
  const resubscribed = eventOf(hears, 'subscribed', { within: 15_000 });
  await first.ended();
  const second = await startServer({ port: first.port });
  await resubscribed;
  client.disconnect();
  await second.becomesIdle();
  await second.stop();
});

test('shutdown_closes_everyone_and_lets_nobody_new_in', async () => {
  const server = await startServer();
  const clients = await Promise.all(Array.from({ length: 100 }, () => RawClient.open(server)));
  await Promise.all(clients.map((client) => client.connect()));
  server.kill('SIGTERM');
  for (const client of clients)
    assert.deepEqual(await client.closed(), { code: 3001, reason: 'shutdown' });
  assert.deepEqual(await server.ended(), { code: 0, signal: null });
  await assert.rejects(server.request('/health'), { code: 'ECONNREFUSED' });
});

test('shutdown_does_not_wait_for_a_client_that_ignores_it_forever', async () => {
  const server = await startServer({ config: { shutdown: { timeout: '1s' } } });
  const deaf = await RawSocket.upgraded(server);
  await deaf.write(frame(kOpcode.text, '{"id":1,"connect":{}}'));
  await deaf.frame();
  assert.deepEqual(await server.stop(), { code: 0, signal: null });
  deaf.destroy();
});

describe('pings', () => {
  let server;
  before(async () => {
    server = await startServer({
      config: { client: { ping_interval: '1s', pong_timeout: '500ms' } },
    });
  });
  after(() => server.stop());
  const isPing = {
    json: (data) => data.toString() === '{}',
    protobuf: (data) => Buffer.from(data).equals(Buffer.from([0])),
  };

  for (const protocol of ['json', 'protobuf']) {
    test(`a_client_that_answers_pings_stays_connected_over_${protocol}`, async () => {
      const before = (await server.metrics()).value('millrace_pings_total');
      const client = await connect(server, { protocol });
      let lost = false;
      client.on('connecting', () => (lost = true));
      for (let i = 0; i < 3; i++)
        await eventOf(client.sockets[0], 'message', { where: isPing[protocol] });
      assert.equal(lost, false);
      assert.equal(client.state, 'connected');
      assert.ok((await server.metrics()).value('millrace_pings_total') >= before + 3);
      client.disconnect();
      await server.becomesIdle();
    });
  }

  test('the_connect_reply_tells_how_often_the_server_pings', async () => {
    const raw = await RawClient.open(server);
    const { ping, pong } = await raw.connect();
    assert.deepEqual({ ping, pong }, { ping: 1, pong: true });
    await raw.close();
  });

  test('a_client_that_never_answers_is_closed_with_3012', async () => {
    const before = (await server.metrics()).value('millrace_disconnects_total', { code: '3012' });
    const raw = await RawClient.open(server);
    await raw.connect();
    assert.equal(await raw.messages.next(), '{}');
    assert.deepEqual(await raw.closed(), { code: 3012, reason: 'no pong' });
    assert.equal(
      (await server.metrics()).value('millrace_disconnects_total', { code: '3012' }),
      before + 1,
    );
    await server.becomesIdle();
  });

  test('a_pong_that_nobody_asked_for_is_a_bad_request', async () => {
    const raw = await RawClient.open(server);
    await raw.connect();
    raw.send('{}');
    assert.deepEqual(await raw.closed(), { code: 3501, reason: 'bad request' });
  });

  test('each_ping_is_answered_once', async () => {
    const raw = await RawClient.open(server);
    await raw.connect();
    assert.equal(await raw.messages.next(), '{}');
    raw.send('{}\n{}');
    assert.deepEqual(await raw.closed(), { code: 3501, reason: 'bad request' });
  });

  test('native_pings_replace_those_of_the_protocol_where_asked_for', async () => {
    const raw = await RawClient.open(server, { query: 'cf_ws_frame_ping_pong=true' });
    const reply = await raw.connect();
    assert.equal(reply.ping, undefined);
    assert.equal(reply.pong, undefined);
    for (let i = 0; i < 2; i++) await eventOf(raw.socket, 'ping'); // ws answers each with a pong
    assert.deepEqual(raw.frames.items.slice(1), []);
    await raw.close();
  });

  test('a_client_that_never_answers_native_pings_is_closed_with_3012', async () => {
    const raw = await RawClient.open(server, {
      query: 'cf_ws_frame_ping_pong=true',
      autoPong: false,
    });
    await raw.connect();
    assert.equal((await raw.closed()).code, 3012);
    await server.becomesIdle();
  });

  test('a_peer_that_vanished_is_let_go_after_pong_and_close_time_outs', async () => {
    const gone = await RawSocket.upgraded(server);
    await gone.write(
      frame(kOpcode.text, '{"id":1,"connect":{}}\n{"id":2,"subscribe":{"channel":"gone"}}'),
    );
    gone.socket.pause(); // its kernel holds the connection, and nobody reads or answers
    await server.becomesIdle(20_000);
    gone.destroy();
  });
});

describe('clients that do not connect', () => {
  let server;
  before(
    async () =>
      (server = await startServer({ config: { client: { stale_close_delay: '300ms' } } })),
  );
  after(() => server.stop());

  test('a_client_that_says_nothing_is_closed_with_3502', async () => {
    const raw = await RawClient.open(server);
    assert.deepEqual(await raw.closed(), { code: 3502, reason: 'stale' });
    await server.becomesIdle();
  });

  test('a_client_that_connected_in_time_stays', async () => {
    const raw = await RawClient.open(server);
    await raw.connect();
    const stale = await RawClient.open(server);
    assert.equal((await stale.closed()).code, 3502);
    assert.equal(
      await raw.ask({ id: 2, subscribe: { channel: 'still-here' } }),
      '{"id":2,"subscribe":{}}',
    );
    await raw.close();
    await server.becomesIdle();
  });
});
