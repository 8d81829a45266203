// The server API over HTTP: keys, forms and errors, publishing, and asking about channels.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';

import {
  Backend,
  fresh,
  kBackendConfig,
  kKey,
  kNotAvailable,
  kUnknownChannel,
  post,
  seconds,
  tokenOf,
} from './backend.mjs';
import { RawClient, RawSocket, closeClients, connect, subscribe } from './clients.mjs';
import { startServer } from './harness.mjs';
import { Inbox, eventOf } from './waiting.mjs';

describe('the server API', () => {
  let server;
  let backend;

  const api = (...call) => backend.api(...call);
  const result = (...call) => backend.result(...call);
  const error = (...call) => backend.error(...call);
  const publishMany = (...call) => backend.publishMany(...call);
  const clientOf = (...call) => backend.clientOf(...call);

  before(async () => {
    server = await startServer({ dev: false, config: kBackendConfig });
    backend = new Backend(server);
  });
  afterEach(async () => {
    closeClients();
    await server.becomesIdle();
  });
  after(() => server.stop());

  describe('over HTTP', () => {
    test('a_key_is_needed_and_may_come_in_three_places', async () => {
      const ask = (headers, query = '') => api(`info${query}`, {}, headers);
      const query = `?api_key=${encodeURIComponent(kKey)}`;
      for (const [headers, where] of [
        [{ 'X-API-Key': kKey }],
        [{ Authorization: `apikey ${kKey}` }],
        [{}, query],
        [{ 'X-API-Key': kKey, Authorization: 'apikey wrong' }],
      ]) {
        assert.equal((await ask(headers, where)).status, 200);
      }
      for (const [headers, where] of [
        [{}],
        [{ 'X-API-Key': 'wrong' }],
        [{ 'X-API-Key': kKey.slice(1) }],
        [{ Authorization: `Bearer ${kKey}` }],
        [{}, '?api_key='],
        [{ 'X-API-Key': 'wrong' }, query],
      ]) {
        const refused = await ask(headers, where);
        assert.equal(refused.status, 401);
        assert.equal(refused.text, '');
      }
    });

    test('only_post_is_allowed', async () => {
      for (const method of ['GET', 'PUT', 'DELETE']) {
        for (const path of ['/api', '/api/publish', '/api/batch', '/api/nonsense']) {
          const answer = await server.request(path, { method, headers: { 'X-API-Key': kKey } });
          assert.equal(answer.status, 405);
          assert.equal(answer.headers.allow, 'POST');
        }
      }
    });

    test('text_that_is_not_json_gets_400', async () => {
      for (const path of ['/api', '/api/publish', '/api/batch']) {
        for (const body of ['', '{', '{"channel":"c","data":}', '{} {}', '{"a":"\xff"']) {
          const answer = await post(server, path, body);
          assert.equal(answer.status, 400, `${path} ${body}`);
          assert.match(answer.headers['content-type'], /^text\/plain/);
        }
      }
    });

    test('unknown_methods_get_104_and_those_of_others_108', async () => {
      assert.deepEqual(await error('nonsense'), { code: 104, message: 'method not found' });
      assert.deepEqual(await error('rpc', { method: 'x' }), {
        code: 104,
        message: 'method not found',
      });
      assert.deepEqual(await error('map_publish'), kNotAvailable);
      assert.deepEqual(await error('send_push_notification'), kNotAvailable);
    });

    test('errors_have_a_status_of_their_own_when_asked_for', async () => {
      const ask = (method, params) =>
        api(method, params, { 'X-API-Key': kKey, 'X-Centrifugo-Error-Mode': 'transport' });
      const since = { offset: 1, epoch: 'another' };
      for (const [method, params, status, code] of [
        ['publish', { channel: 'unknown:1', data: 1 }, 404, 102],
        ['nonsense', {}, 404, 104],
        ['publish', { data: 1 }, 400, 107],
        ['presence', { channel: 'c' }, 400, 108],
        ['history', { channel: 'log:c', since, limit: 1 }, 416, 112],
      ]) {
        const answer = await ask(method, params);
        assert.equal(answer.status, status, method);
        assert.equal(answer.body.code, code, method);
        assert.equal(typeof answer.body.message, 'string');
      }
      const fine = await ask('publish', { channel: fresh(), data: 1 });
      assert.equal(fine.status, 200);
      assert.deepEqual(fine.body, { result: {} });
    });

    test('a_body_over_a_mebibyte_gets_413', async () => {
      const body = (size) => `{"channel":"c","data":"${'x'.repeat(size)}"}`;
      assert.equal((await api('publish', body(1_000_000))).status, 200);
      assert.equal((await api('publish', body(1_100_000))).status, 413);
    });

    test('a_request_id_comes_back', async () => {
      const ask = async (id, { path = 'info', body = {}, key = kKey } = {}) =>
        (await api(path, body, { 'X-API-Key': key, 'X-Request-Id': id })).headers['x-request-id'];
      assert.equal(await ask('abc-123'), 'abc-123');
      assert.equal(await ask('abc-123', { path: 'nonsense' }), 'abc-123');
      assert.equal(await ask('abc-123', { body: '{' }), 'abc-123');
      assert.equal(await ask('abc-123', { key: 'wrong' }), 'abc-123');
      assert.equal(await ask('i'.repeat(128)), 'i'.repeat(128));
      assert.equal(await ask('i'.repeat(129)), undefined);
      assert.equal(await ask('caf\xe9'), undefined);
      assert.equal(await ask('a\tb'), undefined);
    });

    test('many_requests_on_one_connection_are_answered_in_order', async () => {
      const socket = await RawSocket.open(server);
      const channel = fresh('log');
      const count = 60;
      const request = (i) => {
        const [method, params] = [
          ['publish', { channel, data: { i } }],
          ['info', {}],
          ['broadcast', { channels: [fresh(), fresh(), fresh()], data: i }],
          ['history', { channel, limit: 0 }],
        ][i % 4];
        const body = JSON.stringify(params);
        return (
          `POST /api/${method} HTTP/1.1\r\nHost: x\r\nX-API-Key: ${kKey}\r\n` +
          `X-Request-Id: ${i}\r\nContent-Length: ${body.length}\r\n\r\n${body}`
        );
      };
      await socket.write(Array.from({ length: count }, (_, i) => request(i)).join(''));
      for (let i = 0; i < count; ++i) {
        const { status, headers } = await socket.head();
        assert.equal(status, 200);
        assert.equal(headers['x-request-id'], String(i));
        const size = Number(headers['content-length']);
        const body = await socket.read(
          (bytes) => (bytes.length < size ? null : [bytes.subarray(0, size).toString(), size]),
          'a body',
        );
        const { result: answer } = JSON.parse(body);
        if (i % 4 === 0) assert.equal(answer.offset, i / 4 + 1);
        if (i % 4 === 1) assert.equal(answer.nodes.length, 1);
        if (i % 4 === 2) assert.equal(answer.responses.length, 3);
        if (i % 4 === 3) assert.equal(answer.offset, (i + 1) / 4);
      }
      socket.destroy();
    });

    test('calls_and_errors_are_counted', async () => {
      const counts = async () => {
        const scrape = await server.metrics();
        const of = (method) => scrape.value('millrace_api_calls_total', { method });
        return [
          of('presence_stats'),
          of('other'),
          scrape.value('millrace_api_errors_total', { code: '104' }) ?? 0,
        ];
      };
      const [stats, other, unknown] = await counts();
      await result('presence_stats', { channel: 'room:1' });
      await api('batch', { commands: [{ presence_stats: { channel: 'room:1' } }, { x: {} }] });
      await error('nonsense');
      assert.deepEqual(await counts(), [stats + 2, other + 2, unknown + 2]);
    });
  });

  describe('publish', () => {
    test('answers_with_a_position_where_there_is_history', async () => {
      assert.deepEqual(await result('publish', { channel: fresh(), data: 1 }), {});
      const channel = fresh('log');
      const first = await result('publish', { channel, data: 1 });
      assert.equal(first.offset, 1);
      assert.match(first.epoch, /./);
      const { epoch } = first;
      assert.deepEqual(await result('publish', { channel, data: 1 }), { offset: 2, epoch });
    });

    test('the_payload_arrives_as_it_was_sent_on_one_line', async () => {
      const channel = fresh();
      const raw = await RawClient.open(server);
      await raw.connect();
      await raw.ask({ id: 2, subscribe: { channel } });
      for (const [sent, arrives] of [
        ['{"b":1, "a":2,"a":3}', '{"b":1, "a":2,"a":3}'],
        ['1.50e1', '1.50e1'],
        ['"\\u00e9\\/"', '"\\u00e9\\/"'],
        ['{\r\n  "text": "x"\n}', '{  "text": "x"}'],
        ['null', 'null'],
      ]) {
        const { body } = await api('publish', `{"channel":"${channel}","data":${sent}}`);
        assert.deepEqual(body, { result: {} });
        const push = await raw.messages.next();
        assert.equal(push, `{"push":{"channel":"${channel}","pub":{"data":${arrives}}}}`);
      }
    });

    test('base64_wins_and_may_hold_anything_for_protobuf_clients', async () => {
      const channel = fresh();
      const client = await connect(server, { protocol: 'protobuf' });
      const subscription = client.newSubscription(channel);
      const payloads = new Inbox('a publication');
      subscription.on('publication', ({ data }) => payloads.push(Buffer.from(data)));
      const subscribed = eventOf(subscription, 'subscribed');
      subscription.subscribe();
      await subscribed;
      const bytes = Buffer.from([0, 1, 255]);
      await result('publish', { channel, data: 'x', b64data: bytes.toString('base64') });
      assert.deepEqual(await payloads.next(), bytes);
      const refused = await error('publish', { channel, b64data: 'AAH_' });
      assert.deepEqual(refused, { code: 107, message: 'bad request: b64data is not base64' });
    });

    test('tags_arrive_and_the_excluded_client_hears_nothing', async () => {
      const channel = fresh();
      const [ann, bob] = [await connect(server), await connect(server)];
      const [annHears, bobHears] = [await subscribe(ann, channel), await subscribe(bob, channel)];
      const tags = { lang: 'en' };
      await result('publish', { channel, data: 'not for ann', exclude: ann.id, tags });
      await result('publish', { channel, data: 'for both' });
      const [first, second] = await bobHears.publications.take(2);
      assert.equal(first.data, 'not for ann');
      assert.deepEqual(first.tags, tags);
      assert.equal(second.data, 'for both');
      assert.equal((await annHears.publications.next()).data, 'for both');
    });

    test('a_repeated_key_publishes_once', async () => {
      const channel = fresh('log');
      const client = await connect(server);
      const hears = await subscribe(client, channel);
      const ask = { channel, data: 1, idempotency_key: 'order-1' };
      const first = await result('publish', ask);
      assert.deepEqual(await result('publish', ask), first);
      const second = await result('publish', { channel, data: 2, idempotency_key: 'order-2' });
      assert.equal(second.offset, first.offset + 1);
      const [one, two] = await hears.publications.take(2);
      assert.deepEqual([one.data, two.data], [1, 2]);
    });

    test('an_older_version_is_dropped', async () => {
      const channel = fresh('log');
      const publish = (data, version, version_epoch) =>
        result('publish', { channel, data, version, version_epoch });
      await publish('two', 2, 'a');
      await publish('one', 1, 'a');
      await publish('two again', 2, 'a');
      await publish('three', 3, 'a');
      await publish('one of another epoch', 1, 'b');
      const { publications } = await result('history', { channel, limit: -1 });
      assert.deepEqual(
        publications.map(({ data }) => data),
        ['two', 'three', 'one of another epoch'],
      );
    });

    test('history_can_be_left_out', async () => {
      const channel = fresh('log');
      await result('publish', { channel, data: 'kept' });
      await result('publish', { channel, data: 'not kept', skip_history: true });
      const { publications, offset } = await result('history', { channel, limit: -1 });
      assert.deepEqual(
        publications.map(({ data }) => data),
        ['kept'],
      );
      assert.equal(offset, 1);
    });

    test('what_is_wrong_is_told', async () => {
      for (const [params, refused] of [
        [{ channel: 'unknown:1', data: 1 }, kUnknownChannel],
        [{ data: 1 }, { code: 107, message: 'bad request: channel is needed' }],
        [{ channel: 'c' }, { code: 107, message: 'bad request: data is needed' }],
        [{ channel: 7, data: 1 }, { code: 107, message: 'bad request: channel must be a string' }],
        [{ channel: 'objects:1', data: 1 }, { code: 107, message: 'bad request' }],
        [{ channel: 'c'.repeat(256), data: 1 }, { code: 107, message: 'bad request' }],
        ['[]', { code: 107, message: 'bad request: what is asked must be an object' }],
      ]) {
        assert.deepEqual(await error('publish', params), refused);
      }
      await result('publish', { channel: 'objects:1', data: {} });
    });
  });

  describe('broadcast', () => {
    test('answers_for_each_channel_in_order', async () => {
      const [plain, log] = [fresh(), fresh('log')];
      const client = await connect(server);
      const hears = await subscribe(client, plain);
      await result('publish', { channel: log, data: 0 });
      const { responses } = await result('broadcast', {
        channels: [plain, 'unknown:1', log, ''],
        data: { a: 1 },
      });
      assert.equal(responses.length, 4);
      assert.deepEqual(responses[0], { result: {} });
      assert.deepEqual(responses[1], { error: kUnknownChannel });
      assert.equal(responses[2].result.offset, 2);
      assert.equal(responses[3].error.code, 107);
      assert.deepEqual((await hears.publications.next()).data, { a: 1 });
    });

    test('the_idempotency_key_is_each_channels_own', async () => {
      const names = [fresh('log'), fresh('log')];
      const ask = (data) =>
        result('broadcast', { channels: names, data, idempotency_key: 'the same' });
      const first = await ask(1);
      assert.deepEqual(await ask(2), first);
      for (const channel of names) {
        const { publications } = await result('history', { channel, limit: -1 });
        assert.deepEqual(publications, [{ data: 1, offset: 1 }]);
      }
    });

    test('reaches_ten_thousand_channels_and_no_more', async () => {
      const names = Array.from({ length: 10_000 }, (_, i) => `many${i}`);
      const { responses } = await result('broadcast', { channels: names, data: 1 });
      assert.equal(responses.length, names.length);
      assert.ok(responses.every((response) => response.result));
      const refused = await error('broadcast', { channels: [...names, 'x'], data: 1 });
      assert.equal(refused.code, 107);
      assert.equal((await error('broadcast', { channels: [], data: 1 })).code, 107);
    });
  });

  describe('questions', () => {
    test('presence_lists_members_with_their_info', async () => {
      const channel = fresh('room');
      assert.deepEqual(await result('presence', { channel }), { presence: {} });
      assert.deepEqual(await result('presence_stats', { channel }), {
        num_clients: 0,
        num_users: 0,
      });
      const token = tokenOf({ sub: '42', exp: seconds() + 600, info: { name: 'Ann' } });
      const [ann, too] = [await connect(server, { token }), await connect(server, { token })];
      const bob = await clientOf('7');
      for (const client of [ann, too, bob]) await subscribe(client, channel);
      const { presence } = await result('presence', { channel });
      assert.deepEqual(Object.keys(presence).sort(), [ann.id, too.id, bob.id].sort());
      const conn_info = { name: 'Ann' };
      assert.deepEqual(presence[ann.id], { user: '42', client: ann.id, conn_info });
      assert.deepEqual(presence[bob.id], { user: '7', client: bob.id });
      assert.deepEqual(await result('presence_stats', { channel }), {
        num_clients: 3,
        num_users: 2,
      });
      for (const method of ['presence', 'presence_stats']) {
        assert.deepEqual(await error(method, { channel: 'plain' }), kNotAvailable);
        assert.deepEqual(await error(method, { channel: 'unknown:1' }), kUnknownChannel);
        assert.equal((await error(method)).code, 107);
      }
    });

    test('history_is_read_in_both_directions_and_from_a_position', async () => {
      const channel = fresh('log');
      const empty = await result('history', { channel });
      assert.deepEqual(empty, { publications: [], epoch: empty.epoch, offset: 0 });
      await publishMany(channel, 5);
      const ask = async (params) => {
        const { publications, epoch, offset } = await result('history', { channel, ...params });
        assert.equal(offset, 5);
        assert.equal(epoch, empty.epoch);
        for (const publication of publications) {
          assert.deepEqual(publication.data, { i: publication.offset });
        }
        return publications.map((publication) => publication.offset);
      };
      const { epoch } = empty;
      assert.deepEqual(await ask({}), []);
      assert.deepEqual(await ask({ limit: 2 }), [1, 2]);
      assert.deepEqual(await ask({ limit: -1 }), [1, 2, 3, 4, 5]);
      assert.deepEqual(await ask({ limit: 2, reverse: true }), [5, 4]);
      assert.deepEqual(await ask({ limit: -1, since: { offset: 3, epoch } }), [4, 5]);
      const backwards = { limit: -1, since: { offset: 3, epoch }, reverse: true };
      assert.deepEqual(await ask(backwards), [2, 1]);
      const since = { offset: 1, epoch: 'x' };
      const elsewhere = await error('history', { channel, limit: 1, since });
      assert.deepEqual(elsewhere, { code: 112, message: 'unrecoverable position' });
      assert.deepEqual(await error('history', { channel: 'plain' }), kNotAvailable);
    });

    test('history_tells_who_published_and_carries_bytes_in_base64', async () => {
      const channel = fresh('log');
      await result('publish', { channel, b64data: 'AAH/', tags: { a: 'b' } });
      const { publications } = await result('history', { channel, limit: -1 });
      assert.deepEqual(publications, [{ b64data: 'AAH/', offset: 1, tags: { a: 'b' } }]);
    });

    test('history_remove_takes_publications_and_leaves_the_position', async () => {
      const channel = fresh('log');
      await publishMany(channel, 3);
      assert.deepEqual(await result('history_remove', { channel }), {});
      const { publications, offset } = await result('history', { channel, limit: -1 });
      assert.deepEqual(publications, []);
      assert.equal(offset, 3);
      assert.equal((await result('publish', { channel, data: 1 })).offset, 4);
      assert.deepEqual(await error('history_remove', { channel: 'plain' }), kNotAvailable);
    });

    test('channels_match_a_pattern', async () => {
      const [ann, bob] = [await connect(server), await connect(server)];
      const [one, two] = [`${fresh('room')}-a`, `${fresh('log')}-b`];
      for (const [client, channel] of [
        [ann, one],
        [bob, one],
        [bob, two],
      ]) {
        await subscribe(client, channel);
      }
      const all = { [one]: { num_clients: 2 }, [two]: { num_clients: 1 } };
      assert.deepEqual(await result('channels'), { channels: all });
      assert.deepEqual(await result('channels', { pattern: '*' }), { channels: all });
      assert.deepEqual(await result('channels', { pattern: 'room:*' }), {
        channels: { [one]: { num_clients: 2 } },
      });
      assert.deepEqual(await result('channels', { pattern: 'none' }), { channels: {} });
    });

    test('info_counts_clients_users_and_subscriptions', async () => {
      for (const user of ['1', '1', '2']) await subscribe(await clientOf(user), 'news');
      const { nodes } = await result('info');
      assert.equal(nodes.length, 1);
      const [node] = nodes;
      assert.match(node.uid, /^[0-9a-f-]{36}$/);
      assert.match(node.name, /./);
      assert.match(node.version, /^\d+\.\d+/);
      assert.equal(node.num_clients, 3);
      assert.equal(node.num_users, 2);
      assert.ok(node.num_channels >= 1);
      assert.equal(node.num_subs, 3);
      assert.ok(node.uptime >= 0 && node.uptime < 600);
      assert.equal((await result('info')).nodes[0].uid, node.uid);
    });
  });

  describe('several calls in a request', () => {
    for (const parallel of [false, true]) {
      test(`a_${parallel ? 'parallel' : 'sequential'}_batch_answers_in_order`, async () => {
        const channel = fresh('log');
        const { status, body } = await api('batch', {
          commands: [
            { publish: { channel, data: 1 } },
            { broadcast: { channels: [fresh(), 'unknown:1'], data: 2 } },
            { publish: { channel: 'unknown:1', data: 1 } },
            { publish: { channel: 5 } },
            { nonsense: {} },
            { publish: { channel, data: 3 } },
            { history: { channel, limit: -1 } },
          ],
          parallel,
        });
        assert.equal(status, 200);
        const { replies } = body;
        assert.equal(replies.length, 7);
        assert.equal(replies[0].publish.offset, 1);
        const { responses } = replies[1].broadcast;
        assert.deepEqual(responses, [{ result: {} }, { error: kUnknownChannel }]);
        assert.deepEqual(replies[2], { error: kUnknownChannel });
        assert.equal(replies[3].error.code, 107);
        assert.equal(replies[4].error.code, 104);
        assert.equal(replies[5].publish.offset, 2);
        assert.deepEqual(
          replies[6].history.publications.map(({ data }) => data),
          [1, 3],
        );
      });

      test(`a_thousand_commands_pass_${parallel ? 'side_by_side' : 'one_by_one'}`, async () => {
        const channel = fresh('log');
        const publish = (data) => ({ publish: { channel, data } });
        const commands = Array.from({ length: 1000 }, (_, i) => publish(i));
        const { replies } = (await api('batch', { commands, parallel })).body;
        assert.deepEqual(
          replies.map((reply) => reply.publish.offset),
          commands.map((_, i) => i + 1),
        );
        commands.push(commands[0]);
        assert.equal((await error('batch', { commands, parallel })).code, 107);
      });
    }

    test('an_empty_batch_is_refused', async () => {
      assert.equal((await error('batch', {})).code, 107);
      assert.equal((await error('batch', { commands: [] })).code, 107);
    });

    test('the_older_form_has_a_line_for_each', async () => {
      const channel = fresh('log');
      const lines = [
        { id: 1, method: 'publish', params: { channel, data: 1 } },
        { method: 'history', params: { channel } },
        { id: 3, method: 'publish', params: { channel: 'unknown:1', data: 1 } },
        { id: 4, method: 'nonsense' },
        { id: 5, method: 'publish', params: { channel, data: 2 } },
      ];
      const { status, text } = await post(
        server,
        '/api',
        lines.map((line) => JSON.stringify(line)).join('\n'),
      );
      assert.equal(status, 200);
      const replies = text.split('\n').map((line) => JSON.parse(line));
      const { epoch } = replies[0].result;
      assert.deepEqual(replies, [
        { id: 1, result: { offset: 1, epoch } },
        { result: { publications: [], epoch, offset: 1 } },
        { id: 3, error: kUnknownChannel },
        { id: 4, error: { code: 104, message: 'method not found' } },
        { id: 5, result: { offset: 2, epoch } },
      ]);
    });
  });
});

describe('a server API that is configured otherwise', () => {
  test('nobody_gets_in_when_no_key_is_configured', async () => {
    const server = await startServer({ dev: false });
    for (const headers of [{}, { 'X-API-Key': '' }, { Authorization: 'apikey ' }]) {
      assert.equal((await post(server, '/api/info', {}, headers)).status, 401);
    }
    await server.stop();
  });

  test('errors_have_a_status_of_their_own', async () => {
    const server = await startServer({ config: { http_api: { error_mode: 'transport' } } });
    const { status, body } = await post(server, '/api/publish', { data: 1 });
    assert.equal(status, 400);
    assert.deepEqual(body, { code: 107, message: 'bad request: channel is needed' });
    await server.stop();
  });

  test('the_prefix_moves_all_of_it', async () => {
    const server = await startServer({ config: { http_api: { handler_prefix: '/v1/messages' } } });
    assert.equal((await post(server, '/v1/messages/info', {})).status, 200);
    assert.equal((await post(server, '/v1/messages', '{"method":"info"}')).status, 200);
    assert.equal((await post(server, '/api/info', {})).status, 404);
    await server.stop();
  });

  test('there_is_none_when_it_is_disabled', async () => {
    const server = await startServer({ config: { http_api: { disabled: true } } });
    assert.equal((await post(server, '/api/info', {})).status, 404);
    await server.stop();
  });
});
