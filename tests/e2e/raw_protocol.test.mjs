// The client protocol as bytes: what the server writes, to the byte, and what it accepts.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';

import { RawClient, RawSocket, closeClients, handshake, kTestAccept } from './clients.mjs';
import { startServer } from './harness.mjs';

const kUuid = '[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}';
const kBadRequest = { code: 3501, reason: 'bad request' };

let server;
before(async () => (server = await startServer()));
afterEach(async () => {
  closeClients();
  await server.becomesIdle();
});
after(() => server.stop());

const openRaw = (options) => RawClient.open(server, options);

// A connected client; its id is in `client`.
async function connected(options) {
  const raw = await openRaw(options);
  raw.client = (await raw.connect()).client;
  return raw;
}

describe('negotiation', () => {
  const headOf = async (options) => {
    const raw = await RawSocket.open(server);
    await raw.write(handshake(options));
    const head = await raw.head();
    raw.destroy();
    return head;
  };

  test('the_handshake_is_answered_as_rfc_6455_says', async () => {
    const { status, headers } = await headOf();
    assert.equal(status, 101);
    assert.equal(headers['sec-websocket-accept'], kTestAccept);
    assert.match(headers.upgrade, /^websocket$/i);
    assert.match(headers.connection, /^upgrade$/i);
    assert.equal(headers['sec-websocket-protocol'], undefined);
    assert.equal(headers['sec-websocket-extensions'], undefined);
  });

  for (const [offered, chosen] of [
    ['centrifuge-json', 'centrifuge-json'],
    ['centrifuge-protobuf', 'centrifuge-protobuf'],
    ['other, centrifuge-protobuf', 'centrifuge-protobuf'],
    ['other', undefined],
  ]) {
    const name = `of_the_subprotocols_${offered.replace(', ', '_and_')}_it_chooses_${chosen}`;
    test(name.replace('undefined', 'none'), async () => {
      const { status, headers } = await headOf({ headers: { 'Sec-WebSocket-Protocol': offered } });
      assert.equal(status, 101);
      assert.equal(headers['sec-websocket-protocol'], chosen);
    });
  }

  for (const how of [
    { protocols: ['centrifuge-protobuf'] },
    { query: 'format=protobuf' },
    { query: 'cf_protocol=protobuf' },
    { query: 'a=b&format=protobuf&cf_protocol_version=v2' },
  ]) {
    test(`protobuf_is_spoken_with_${JSON.stringify(how)}`, async () => {
      const raw = await openRaw(how);
      raw.send(Buffer.from([4, 0x08, 1, 0x22, 0])); // id 1, an empty connect
      const reply = await raw.frames.next();
      assert.ok(Buffer.isBuffer(reply), 'a binary frame');
      assert.equal(reply[0], reply.length - 1);
      assert.deepEqual([...reply.subarray(1, 4)], [0x08, 1, 0x2a]);
      assert.match(reply.toString('latin1'), new RegExp(kUuid));
    });
  }

  for (const how of [
    {},
    { protocols: ['centrifuge-json'] },
    { query: 'format=json' },
    { query: 'unknown=1' },
  ]) {
    test(`json_is_spoken_with_${JSON.stringify(how)}`, async () => {
      const raw = await openRaw(how);
      assert.equal(typeof (await raw.connect()).client, 'string');
    });
  }

  test('json_may_come_in_binary_frames', async () => {
    const raw = await openRaw();
    raw.send(Buffer.from('{"id":1,"connect":{}}'));
    assert.match(await raw.frames.next(), /^\{"id":1,"connect":/);
  });
});

describe('what the server writes', () => {
  test('the_connect_reply', async () => {
    const raw = await openRaw();
    const text = await raw.ask('{"id":1,"connect":{}}');
    assert.match(
      text,
      new RegExp(
        `^{"id":1,"connect":{"client":"${kUuid}","version":"[^"]+","ping":25,"pong":true}}$`,
      ),
    );
  });

  test('replies_and_errors', async () => {
    const raw = await connected();
    for (const [command, reply] of [
      ['{"id":2,"subscribe":{"channel":"a","flag":1}}', '{"id":2,"subscribe":{"id":1}}'],
      [
        '{"id":3,"subscribe":{"channel":"a"}}',
        '{"id":3,"error":{"code":105,"message":"already subscribed"}}',
      ],
      ['{"id":4,"publish":{"channel":"b","data":{}}}', '{"id":4,"publish":{}}'],
      ['{"id":5,"unsubscribe":{"channel":"a"}}', '{"id":5,"unsubscribe":{}}'],
      ['{"id":6,"unsubscribe":{"channel":"never"}}', '{"id":6,"unsubscribe":{}}'],
      [
        '{"id":7,"history":{"channel":"a"}}',
        '{"id":7,"error":{"code":108,"message":"not available"}}',
      ],
      [
        '{"id":8,"presence":{"channel":"a"}}',
        '{"id":8,"error":{"code":108,"message":"not available"}}',
      ],
      [
        '{"id":9,"presence_stats":{"channel":"a"}}',
        '{"id":9,"error":{"code":108,"message":"not available"}}',
      ],
      [
        '{"id":10,"rpc":{"method":"m","data":1}}',
        '{"id":10,"error":{"code":108,"message":"not available"}}',
      ],
      [
        '{"id":11,"publish":{"channel":"b"}}',
        '{"id":11,"error":{"code":107,"message":"bad request"}}',
      ],
      [
        '{"id":12,"subscribe":{"channel":"no:1"}}',
        '{"id":12,"error":{"code":102,"message":"unknown channel"}}',
      ],
      [
        '{"id":13,"subscribe":{"channel":"m","type":1}}',
        '{"id":13,"error":{"code":108,"message":"not available"}}',
      ],
      ['{"id":4294967295,"subscribe":{"channel":"a"}}', '{"id":4294967295,"subscribe":{}}'],
    ])
      assert.equal(await raw.ask(command), reply);
  });

  test('a_batch_is_answered_command_by_command', async () => {
    const raw = await openRaw();
    raw.send(
      '{"id":1,"connect":{}}\n{"id":2,"subscribe":{"channel":"a"}}\n' +
        '{"id":3,"unsubscribe":{"channel":"a"}}\n',
    );
    const [first, ...others] = await raw.messages.take(3);
    assert.equal(JSON.parse(first).id, 1);
    assert.deepEqual(others, ['{"id":2,"subscribe":{}}', '{"id":3,"unsubscribe":{}}']);
  });

  // Spelled in ways that no serialiser would reproduce.
  const kPayloads = [
    '{"a" :  1}',
    '{ }',
    '[ ]',
    '[1.0,1e5,1E+5,1e-7,-0,0.10,123456789012345678901234567890]',
    '1e400',
    '-0.0',
    'true',
    'false',
    '""',
    '0',
    '"\\u0041\\/\\ud83d\\ude00\\b\\f\\n\\r\\t\\\\\\""',
    '"é😀 "',
    '{"a":1,"a":2,"":null}',
    '"\\u0000"',
    '{\t"tab":\t[\t]\t}',
    '"</script>\\u003c&"',
    '"\u007f"',
    `${'['.repeat(60)}${']'.repeat(60)}`,
    '"\\ud800"',
    '{"push":{"channel":"x","pub":{}},"id":7}',
    `"${'long '.repeat(5000)}"`,
  ];
  test('json_payloads_go_through_byte_for_byte', async () => {
    const [from, to] = [await connected(), await connected()];
    await to.ask('{"id":2,"subscribe":{"channel":"bytes"}}');
    for (const [i, payload] of kPayloads.entries()) {
      from.send(`{"id":${i + 2},"publish":{"channel":"bytes","data":${payload}}}`);
      const info = `{"user":"","client":"${from.client}"}`;
      assert.equal(
        await to.messages.next(),
        `{"push":{"channel":"bytes","pub":{"data":${payload},"info":${info}}}}`,
      );
      assert.equal(await from.messages.next(), `{"id":${i + 2},"publish":{}}`);
    }
  });

  test('white_space_around_values_and_commands_is_no_part_of_a_payload', async () => {
    const raw = await connected();
    await raw.ask(' \t{ "id" : 2 , "subscribe" : { "channel" : "space" } } \r');
    raw.send(
      '\t{ "publish" : { "data" : \t [ 1 , 2 ] \t , "channel" : "space" } , "id" : 3 }\r\n \n',
    );
    const messages = await raw.messages.take(2);
    assert.ok(messages.includes('{"id":3,"publish":{}}'));
    assert.ok(
      messages.some((text) =>
        text.startsWith('{"push":{"channel":"space","pub":{"data":[ 1 , 2 ],"info":'),
      ),
    );
  });

  test('channel_names_are_escaped_where_json_needs_it', async () => {
    const raw = await connected();
    const name = JSON.stringify('quote"back\\slash\ttab');
    assert.equal(
      await raw.ask(`{"id":2,"subscribe":{"channel":${name}}}`),
      '{"id":2,"subscribe":{}}',
    );
    raw.send(`{"id":3,"publish":{"channel":${name},"data":1}}`);
    const push = (await raw.messages.take(2)).map(JSON.parse).find((message) => message.push);
    assert.equal(push.push.channel, JSON.parse(name));
  });
});

describe('what the server accepts', () => {
  test('unknown_fields_pass', async () => {
    const raw = await openRaw();
    const reply = await raw.ask(
      '{"new":[{"deep":[1,"}"]}],"id":1,"connect":{"novel":{"x":1},"name":"me","version":"1"}}',
    );
    assert.equal(JSON.parse(reply).id, 1);
    assert.equal(
      await raw.ask('{"id":2,"subscribe":{"channel":"a","colour":"red"},"x":null}'),
      '{"id":2,"subscribe":{}}',
    );
  });

  test('of_a_duplicated_key_the_last_value_counts', async () => {
    const raw = await connected();
    assert.equal(
      await raw.ask('{"id":2,"id":3,"subscribe":{"channel":"a","channel":"b"}}'),
      '{"id":3,"subscribe":{}}',
    );
    assert.equal(await raw.ask('{"id":4,"subscribe":{"channel":"a"}}'), '{"id":4,"subscribe":{}}');
    assert.match(await raw.ask('{"id":5,"subscribe":{"channel":"b"}}'), /"code":105/);
  });

  test('keys_and_channels_may_be_written_with_escapes', async () => {
    const raw = await connected();
    assert.equal(
      await raw.ask('{"\\u0069d":2,"subscribe":{"channel":"\\u0061\\/b"}}'),
      '{"id":2,"subscribe":{}}',
    );
    raw.send('{"id":3,"publish":{"channel":"a/b","data":1}}');
    assert.ok((await raw.messages.take(2)).some((text) => text.includes('"channel":"a/b"')));
  });

  test('unknown_protobuf_fields_pass', async () => {
    const raw = await openRaw({ query: 'format=protobuf' });
    // Field 100 as varint, field 101 as bytes, id 1, an empty connect.
    raw.send(Buffer.from([12, 0xa0, 0x06, 0x2a, 0xaa, 0x06, 2, 0x68, 0x69, 0x08, 1, 0x22, 0]));
    assert.deepEqual([...(await raw.frames.next()).subarray(1, 4)], [0x08, 1, 0x2a]);
  });

  const kBreaches = {
    'subscribe before connect': { first: '{"id":1,"subscribe":{"channel":"a"}}' },
    'a pong before connect': { first: '{}' },
    'connect without an id': { first: '{"connect":{}}' },
    'a second connect': { then: '{"id":2,"connect":{}}' },
    'a second connect in the same frame': { first: '{"id":1,"connect":{}}\n{"id":2,"connect":{}}' },
    'an empty frame': { then: '' },
    'a frame of white space': { then: ' \n ' },
    'text that is not JSON': { then: 'hello' },
    'JSON that is cut': { then: '{"id":2,"subscribe":{"channel":"a"' },
    'JSON with something behind it': { then: '{"id":2,"subscribe":{"channel":"a"}} x' },
    'a command that is an array': { then: '[]' },
    'a command that is a number': { then: '7' },
    'invalid JSON in a payload': { then: '{"id":2,"publish":{"channel":"a","data":{"x":tru}}}' },
    'a bad number in a payload': { then: '{"id":2,"publish":{"channel":"a","data":[01]}}' },
    'a bad escape in a payload': { then: '{"id":2,"publish":{"channel":"a","data":"\\x"}}' },
    'a control character in a payload': {
      then: '{"id":2,"publish":{"channel":"a","data":"\u0001"}}',
    },
    'invalid JSON in an unknown field': {
      then: '{"id":2,"new":{"x":},"subscribe":{"channel":"a"}}',
    },
    'an id that is a string': { then: '{"id":"2","subscribe":{"channel":"a"}}' },
    'an id that is negative': { then: '{"id":-2,"subscribe":{"channel":"a"}}' },
    'an id that is a fraction': { then: '{"id":2.5,"subscribe":{"channel":"a"}}' },
    'an id over 32 bits': { then: '{"id":4294967296,"subscribe":{"channel":"a"}}' },
    'an id that is huge': { then: '{"id":1e400,"subscribe":{"channel":"a"}}' },
    'an id and nothing to do': { then: '{"id":2}' },
    'a ping command': { then: '{"id":2,"ping":{}}' },
    'a subscribe without an id': { then: '{"subscribe":{"channel":"a"}}' },
    'a subscribe without a channel': { then: '{"id":2,"subscribe":{}}' },
    'a publish without a channel': { then: '{"id":2,"publish":{"data":1}}' },
    'an unsubscribe without a channel': { then: '{"id":2,"unsubscribe":{}}' },
    'a channel that is a number': { then: '{"id":2,"subscribe":{"channel":1}}' },
    'a subscribe that is a string': { then: '{"id":2,"subscribe":"a"}' },
  };
  for (const [what, { first, then }] of Object.entries(kBreaches)) {
    test(`${what.toLowerCase().replaceAll(' ', '_')}_is_a_bad_request`, async () => {
      const raw = first === undefined ? await connected() : await openRaw();
      raw.send(first ?? then);
      assert.deepEqual(await raw.closed(), kBadRequest);
    });
  }

  test('commands_before_a_breach_are_carried_out_and_those_after_it_are_not', async () => {
    const [from, to] = [await connected(), await connected()];
    await to.ask('{"id":2,"subscribe":{"channel":"part"}}');
    const publish = (id) => `{"id":${id},"publish":{"channel":"part","data":${id}}}`;
    from.send(`${publish(2)}\n{"id":3}\n${publish(4)}`);
    assert.deepEqual(await from.closed(), kBadRequest);
    assert.equal(JSON.parse(await to.messages.next()).push.pub.data, 2);
    const other = await connected();
    await other.ask(publish(5));
    assert.equal(JSON.parse(await to.messages.next()).push.pub.data, 5);
  });
});

describe('message size', () => {
  const sized = (bytes) => {
    const empty = '{"id":2,"publish":{"channel":"size","data":""}}';
    return empty.replace('""', `"${'x'.repeat(bytes - empty.length)}"`);
  };

  test('a_message_of_exactly_the_limit_passes', async () => {
    const raw = await connected();
    const message = sized(65_536);
    assert.equal(message.length, 65_536);
    assert.equal(await raw.ask(message), '{"id":2,"publish":{}}');
  });

  test('a_message_one_byte_over_it_is_closed_with_1009', async () => {
    const raw = await connected();
    raw.send(sized(65_537));
    assert.equal((await raw.closed()).code, 1009);
  });

  test('fragments_count_together', async () => {
    const raw = await connected();
    for (let i = 0; i < 3; i++) raw.socket.send('x'.repeat(30_000), { fin: false });
    assert.equal((await raw.closed()).code, 1009);
  });

  test('a_message_in_many_fragments_arrives_whole', async () => {
    const raw = await connected();
    const message = sized(5000);
    for (let at = 0; at < message.length; at += 50) {
      raw.socket.send(message.slice(at, at + 50), { fin: at + 50 >= message.length });
    }
    assert.equal(await raw.messages.next(), '{"id":2,"publish":{}}');
  });
});
