// A server that runs out of open files: clients are refused politely, and whoever looks after it still gets through.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { handshake, RawSocket } from './clients.mjs';
import { startServer } from './harness.mjs';
import { until } from './waiting.mjs';

const kOpenFiles = 240;
const kReserve = 60;

// The status that a WebSocket handshake gets, and the socket.
async function shake(server) {
  const raw = await RawSocket.open(server);
  await raw.write(handshake());
  return { raw, head: await raw.head() };
}

describe('open files', () => {
  let server;
  const held = [];
  before(async () => {
    server = await startServer({
      openFiles: kOpenFiles,
      config: { open_files_reserve: kReserve, client: { stale_close_delay: '60s' } },
    });
  });
  after(async () => {
    for (const raw of held) raw.destroy();
    await server.stop();
  });

  test('the_limit_and_what_is_left_for_clients_are_told_at_boot', () => {
    assert.match(server.logs(), new RegExp(`open files limit=${kOpenFiles} for_clients=${kOpenFiles - kReserve}`));
  });

  test('clients_beyond_the_limit_get_503_and_health_metrics_and_api_still_answer', async () => {
    for (;;) {
      const { raw, head } = await shake(server);
      if (head.status === 101) {
        held.push(raw);
        assert.ok(held.length <= kOpenFiles - kReserve);
        continue;
      }
      assert.equal(head.status, 503);
      assert.equal(head.headers['retry-after'], '1');
      raw.destroy();
      break;
    }
    assert.equal(held.length, kOpenFiles - kReserve);
    assert.equal((await server.health()).status, 200);
    assert.equal((await server.health()).body.connections, held.length);
    const published = await server.request('/api/publish', {
      method: 'POST',
      body: '{"channel":"news","data":1}',
    });
    assert.equal(published.body, '{"result":{}}');
    const scrape = await server.metrics();
    assert.ok(scrape.value('millrace_handshakes_total', { outcome: 'limit' }) >= 1);
    assert.equal(scrape.value('process_max_fds'), kOpenFiles);
  });

  test('when_the_reserve_is_used_up_too_every_connection_is_refused_and_none_fails', async () => {
    const idle = [];
    let refused;
    while (!refused && idle.length < kOpenFiles) {
      const raw = await RawSocket.open(server);
      idle.push(raw);
      await raw.write('GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n');
      const head = await raw.head();
      if (head.status === 503) refused = head;
    }
    assert.ok(refused, 'the reserve has an end');
    assert.equal(refused.headers['retry-after'], '1');
    for (const raw of idle) raw.destroy();
    await until(async () => {
      try {
        return (await server.request('/health')).status === 200;
      } catch {
        return false;
      }
    }, 'there is room again');
    const scrape = await server.metrics();
    assert.equal(scrape.value('millrace_accepts_total', { outcome: 'error' }), 0);
    assert.ok(scrape.value('millrace_accepts_total', { outcome: 'refused' }) >= 1);
  });

  test('who_leaves_makes_room', async () => {
    held.pop().destroy();
    const { raw, head } = await until(async () => {
      const shaken = await shake(server);
      if (shaken.head.status === 101) return shaken;
      shaken.raw.destroy();
      return false;
    }, 'a place is free');
    assert.equal(head.status, 101);
    held.push(raw);
  });
});
