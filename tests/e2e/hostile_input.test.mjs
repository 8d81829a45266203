// What no client of ours sends: each with its close code or status, its counter, and nothing left
// behind.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';

import { RawClient, RawSocket, closeClients, frame, handshake, kOpcode } from './clients.mjs';
import { startServer } from './harness.mjs';

const kConnect = '{"id":1,"connect":{}}';
const kSubscribe = '{"id":2,"subscribe":{"channel":"hostile"}}';

async function counted(server, name, labels, action) {
  const before = (await server.metrics()).value(name, labels);
  await action();
  return (await server.metrics()).value(name, labels) - before;
}

describe('hostile input', () => {
  let server;
  const upgraded = (options) => RawSocket.upgraded(server, options);
  const opened = () => RawSocket.open(server);
  before(async () => (server = await startServer()));
  afterEach(async () => {
    closeClients();
    await server.becomesIdle();
  });
  after(() => server.stop());

  test('a_handshake_and_frames_may_come_byte_by_byte', async () => {
    const raw = await opened();
    await raw.drip(handshake());
    assert.equal((await raw.head()).status, 101);
    await raw.drip(frame(kOpcode.text, kConnect));
    assert.match((await raw.frame()).payload.toString(), /^\{"id":1,"connect":/);
    await raw.drip(Buffer.concat([frame(kOpcode.ping, 'beat'), frame(kOpcode.text, kSubscribe)]));
    const pong = await raw.frame();
    assert.deepEqual([pong.opcode, pong.payload.toString()], [kOpcode.pong, 'beat']);
    assert.equal((await raw.frame()).payload.toString(), '{"id":2,"subscribe":{}}');
  });

  test('a_handshake_may_be_cut_anywhere', async () => {
    const bytes = Buffer.from(handshake());
    for (let cut = 1; cut < bytes.length; cut += 3) {
      const raw = await opened();
      await raw.write(bytes.subarray(0, cut));
      await raw.write(bytes.subarray(cut));
      assert.equal((await raw.head()).status, 101, `cut at ${cut}`);
      raw.destroy();
    }
  });

  test('frames_may_be_cut_anywhere', async () => {
    const bytes = Buffer.concat([
      frame(kOpcode.text, kConnect),
      frame(kOpcode.text, kSubscribe.slice(0, 9), { fin: false }),
      frame(kOpcode.ping, ''),
      frame(kOpcode.continuation, kSubscribe.slice(9)),
    ]);
    for (let cut = 1; cut < bytes.length; cut++) {
      const raw = await upgraded();
      await raw.write(bytes.subarray(0, cut));
      await raw.write(bytes.subarray(cut));
      const texts = [];
      while (texts.length < 2) {
        const { opcode, payload } = await raw.frame();
        if (opcode === kOpcode.text) texts.push(...payload.toString().split('\n'));
      }
      assert.equal(texts[1], '{"id":2,"subscribe":{}}', `cut at ${cut}`);
      raw.destroy();
    }
  });

  test('frames_may_come_with_the_handshake', async () => {
    const raw = await opened();
    await raw.write(Buffer.concat([Buffer.from(handshake()), frame(kOpcode.text, kConnect)]));
    assert.equal((await raw.head()).status, 101);
    assert.match((await raw.frame()).payload.toString(), /^\{"id":1,"connect":/);
  });

  test('connections_cut_off_anywhere_leave_nothing_behind', async () => {
    const bytes = Buffer.concat([
      Buffer.from(handshake()),
      frame(kOpcode.text, kConnect),
      frame(kOpcode.text, kSubscribe),
    ]);
    for (let cut = 0; cut < bytes.length; cut += 5) {
      const raw = await opened();
      await raw.write(bytes.subarray(0, cut));
      if (cut % 2 === 0) raw.socket.resetAndDestroy();
      else raw.destroy();
    }
  });

  const kFrames = {
    'invalid UTF-8': [frame(kOpcode.text, [0x7b, 0xff]), 1007],
    'UTF-8 that ends early': [frame(kOpcode.text, [0xe2, 0x82]), 1007],
    'an overlong encoding': [frame(kOpcode.text, [0xc0, 0xaf]), 1007],
    'a surrogate': [frame(kOpcode.text, [0xed, 0xa0, 0x80]), 1007],
    'an unmasked frame': [frame(kOpcode.text, kConnect, { masked: false }), 1002],
    'a reserved bit': [frame(kOpcode.text, kConnect, { first: 0xc1 }), 1002],
    'an unknown opcode': [frame(3, kConnect), 1002],
    'an unknown control opcode': [frame(0xb, ''), 1002],
    'a ping over 125 bytes': [frame(kOpcode.ping, 'x'.repeat(126)), 1002],
    'a ping in fragments': [frame(kOpcode.ping, 'x', { fin: false }), 1002],
    'a continuation of nothing': [frame(kOpcode.continuation, 'x'), 1002],
    'a message inside a message': [
      Buffer.concat([frame(kOpcode.text, '{', { fin: false }), frame(kOpcode.text, '}')]),
      1002,
    ],
    'a close frame of one byte': [frame(kOpcode.close, [3]), 1002],
    'a close code that may not be sent': [frame(kOpcode.close, [0x03, 0xed]), 1002],
    'a close reason that is not UTF-8': [frame(kOpcode.close, [0x03, 0xe8, 0xff]), 1007],
    'a length over the limit': [Buffer.from([0x81, 0xff, 0, 0, 0, 0, 0, 1, 0, 1]), 1009],
    'a length of 2^62': [Buffer.from([0x82, 0xff, 0x40, 0, 0, 0, 0, 0, 0, 0]), 1009],
    'a length with its top bit set': [Buffer.from([0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 1]), 1002],
  };
  for (const [what, [bytes, code]] of Object.entries(kFrames)) {
    test(`${what.toLowerCase().replaceAll(' ', '_')}_is_closed_with_${code}`, async () => {
      const raw = await upgraded();
      await raw.write(bytes);
      const answer = await raw.frame();
      assert.deepEqual([answer.opcode, answer.code], [kOpcode.close, code]);
      await raw.write(frame(kOpcode.close, [code >> 8, code & 0xff]));
      await raw.closed();
    });
  }

  test('closes_for_breaches_are_counted_by_code', async () => {
    const count = await counted(
      server,
      'millrace_disconnects_total',
      { code: '1002' },
      async () => {
        const raw = await upgraded();
        await raw.write(frame(3, ''));
        await raw.frame();
      },
    );
    assert.equal(count, 1);
  });

  const kDeep = (depth) =>
    `{"id":2,"publish":{"channel":"c","data":${'['.repeat(depth)}${']'.repeat(depth)}}}`;
  const kDeepObjects = (depth) => `{"id":2,"x":${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}}`;
  const kMessages = {
    'nesting that is too deep': kDeep(20_000),
    'nesting of objects that is too deep': kDeepObjects(5000),
    'nesting that never ends': `{"id":2,"publish":{"channel":"c","data":${'['.repeat(30_000)}`,
    'a number of 60,000 digits as id': `{"id":${'9'.repeat(60_000)},"subscribe":{"channel":"c"}}`,
    '7,000 commands that are none': '{"id":1}\n'.repeat(7000),
  };
  for (const [what, message] of Object.entries(kMessages)) {
    test(`${what.toLowerCase().replaceAll(' ', '_')}_is_a_bad_request`, async () => {
      const raw = await RawClient.open(server);
      await raw.connect();
      raw.send(message);
      assert.deepEqual(await raw.closed(), { code: 3501, reason: 'bad request' });
    });
  }

  test('invalid_utf_8_in_a_binary_frame_of_json_is_a_bad_request', async () => {
    const raw = await RawClient.open(server);
    await raw.connect();
    raw.send(
      Buffer.concat([
        Buffer.from('{"id":2,"publish":{"channel":"c","data":"'),
        Buffer.from([0xff]),
        Buffer.from('"}}'),
      ]),
    );
    assert.equal((await raw.closed()).code, 3501);
  });

  const kGarbage = {
    'a length longer than the frame': [200, 1, 8, 1],
    'a length that never ends': Array(11).fill(0xff),
    'a field that is cut': [2, 0x22, 5],
    'a wire type that does not exist': [2, 0x0f, 1],
    'field number zero': [2, 0x00, 1],
    'a varint of eleven bytes': [12, 0x08, ...Array(10).fill(0xff), 1],
    'a connect that is a number': [4, 0x08, 1, 0x20, 1],
    text: [...Buffer.from(kConnect)],
    'an unended group': [2, 0x0b, 0x0b],
  };
  for (const [what, bytes] of Object.entries(kGarbage)) {
    test(`protobuf_with_${what.replaceAll(' ', '_')}_is_a_bad_request`, async () => {
      const raw = await RawClient.open(server, { query: 'format=protobuf' });
      raw.send(Buffer.from(bytes));
      assert.equal((await raw.closed()).code, 3501);
    });
  }

  const kRequests = {
    'a header that is too large': [handshake({ headers: { 'X-Large': 'x'.repeat(70_000) } }), 431],
    'too many headers': [
      handshake({
        headers: Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`X-${i}`, '1'])),
      }),
      431,
    ],
    'a target that is too long': [handshake({ path: `/${'x'.repeat(70_000)}` }), 414],
    'no key': [handshake({ headers: { 'Sec-WebSocket-Key': null } }), 400],
    'a bad key': [handshake({ headers: { 'Sec-WebSocket-Key': 'short' } }), 400],
    'another version': [handshake({ headers: { 'Sec-WebSocket-Version': '12' } }), 426],
    'no host': [handshake({ headers: { Host: null } }), 400],
    'both lengths': [
      'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n',
      400,
    ],
    'two different lengths': [
      'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab',
      400,
    ],
    'a bare line feed': ['GET / HTTP/1.1\nHost: a\n\n', 400],
    'a folded header': ['GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n 2\r\n\r\n', 400],
    'white space before a colon': ['GET / HTTP/1.1\r\nHost : a\r\n\r\n', 400],
    'no HTTP at all': ['\x16\x03\x01\x02\x00\x01\x00\x01\xfc\r\n\r\n', 400],
  };
  for (const [what, [bytes, status]] of Object.entries(kRequests)) {
    const name = what.toLowerCase().replaceAll(' ', '_');
    test(`a_request_with_${name}_gets_${status}_and_a_close`, async () => {
      const raw = await opened();
      await raw.write(bytes);
      assert.equal((await raw.head()).status, status);
      await raw.closed();
    });
  }

  test('requests_that_are_refused_are_counted', async () => {
    const refuse = (bytes) => async () => {
      const raw = await opened();
      await raw.write(bytes);
      await raw.head();
    };
    assert.equal(
      await counted(
        server,
        'millrace_http_rejected_total',
        { reason: 'malformed' },
        refuse(kRequests['a folded header'][0]),
      ),
      1,
    );
    assert.equal(
      await counted(
        server,
        'millrace_http_rejected_total',
        { reason: 'too_large' },
        refuse(kRequests['a header that is too large'][0]),
      ),
      1,
    );
    assert.equal(
      await counted(
        server,
        'millrace_handshakes_total',
        { outcome: 'rejected' },
        refuse(kRequests['no key'][0]),
      ),
      1,
    );
  });

  test('the_version_that_is_spoken_is_told_to_who_speaks_another', async () => {
    const raw = await opened();
    await raw.write(handshake({ headers: { 'Sec-WebSocket-Version': '8' } }));
    assert.equal((await raw.head()).headers['sec-websocket-version'], '13');
  });

  test('only_get_opens_a_websocket', async () => {
    const answer = await server.request('/connection/websocket', { method: 'POST', body: '{}' });
    assert.equal(answer.status, 405);
    assert.ok([400, 426].includes((await server.request('/connection/websocket')).status));
    assert.equal((await server.request('/nothing')).status, 404);
  });

  test('a_peer_that_shut_down_its_side_is_let_go', async () => {
    const raw = await upgraded();
    await raw.write(frame(kOpcode.text, `${kConnect}\n${kSubscribe}`));
    await raw.frame();
    raw.socket.end();
    await raw.closed();
  });

  test('a_peer_that_closes_is_answered_and_let_go', async () => {
    const raw = await upgraded();
    await raw.write(frame(kOpcode.text, kConnect));
    await raw.frame();
    await raw.write(frame(kOpcode.close, [0x03, 0xe8]));
    const answer = await raw.frame();
    assert.deepEqual([answer.opcode, answer.code], [kOpcode.close, 1000]);
    assert.equal(await raw.closed(), 'end');
  });
});

describe('origins', () => {
  const statusWith = (server, Origin) =>
    RawClient.open(server, { headers: { Origin } })
      .then((raw) => raw.close().then(() => 101))
      .catch((error) => Number(/: (\d+)$/.exec(error.message)?.[1] ?? assert.fail(error)));

  test('without_a_list_only_the_servers_own_host_may_connect', async () => {
    const server = await startServer({ dev: false });
    const refused = await counted(
      server,
      'millrace_handshakes_total',
      { outcome: 'origin' },
      async () => {
        assert.equal(await statusWith(server, server.url), 101);
        assert.equal(await statusWith(server, 'https://evil.example'), 403);
        assert.equal(await statusWith(server, `http://${server.host}:1`), 403);
        assert.equal(await statusWith(server, 'null'), 403);
      },
    );
    assert.equal(refused, 3);
    await (await RawClient.open(server)).close();
    await server.becomesIdle();
    await server.stop();
  });

  test('a_list_may_have_patterns', async () => {
    const server = await startServer({
      dev: false,
      config: { client: { allowed_origins: ['https://*.example.com', 'https://exact.test'] } },
    });
    assert.equal(await statusWith(server, 'https://app.example.com'), 101);
    assert.equal(await statusWith(server, 'https://exact.test'), 101);
    assert.equal(await statusWith(server, 'http://app.example.com'), 403);
    assert.equal(await statusWith(server, 'https://example.com.evil.test'), 403);
    await server.stop();
  });
});

describe('a thousand connections that say nothing', () => {
  const kCount = 1000;
  const openMany = async (open) => {
    const all = [];
    while (all.length < kCount) all.push(...(await Promise.all(Array.from({ length: 50 }, open))));
    return all;
  };

  test('after_the_handshake_are_closed_as_stale', async () => {
    const server = await startServer({ config: { client: { stale_close_delay: '2s' } } });
    const silent = await openMany(() => RawClient.open(server));
    assert.equal((await server.metrics()).value('websocket_connections_total'), kCount);
    for (const raw of silent)
      assert.deepEqual(await raw.closed(10_000), { code: 3502, reason: 'stale' });
    await server.becomesIdle();
    assert.equal(
      (await server.metrics()).value('millrace_disconnects_total', { code: '3502' }),
      kCount,
    );
    await server.stop();
  });

  test('before_a_request_are_closed_by_the_time_out', async () => {
    const server = await startServer({ config: { http_server: { head_timeout: '2s' } } });
    const silent = await openMany(() => RawSocket.open(server));
    assert.equal((await server.metrics()).value('millrace_streams'), kCount + 1);
    for (const raw of silent) await raw.closed(10_000);
    await server.becomesIdle();
    assert.equal(
      (await server.metrics()).value('millrace_http_rejected_total', { reason: 'timeout' }),
      kCount,
    );
    for (const raw of silent) raw.destroy();
    await server.stop();
  });

  test('a_head_that_drips_in_does_not_hold_a_connection', async () => {
    const server = await startServer({ config: { http_server: { head_timeout: '1s' } } });
    const raw = await RawSocket.open(server);
    await raw.write('GET / HTTP/1.1\r\nHost: localhost\r\n');
    const dripping = setInterval(() => raw.write('X'), 100);
    assert.equal((await raw.head()).status, 408);
    clearInterval(dripping);
    await raw.closed();
    await server.becomesIdle();
    await server.stop();
  });
});
