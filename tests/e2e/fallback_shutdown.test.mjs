// A node that is taken down while it holds polls, most of which arrived at another core than the one
// that has their session; and what its clients have of it when it is back.

import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';

import { closeClients, encode, makeClient } from './clients.mjs';
import { over } from './fallbacks.mjs';
import { startServer } from './harness.mjs';
import { openPolls } from './http_streams.mjs';
import { api, configOf, listen, publishAll, range } from './streams.mjs';
import { eventOf, until } from './waiting.mjs';

const kSessions = 24; // a poll arrives at its session's own core once in four times
const kChannel = 'log:down';
const kLong = 20_000;

function start(options = {}) {
  const log = { history_size: 100, history_ttl: '300s', force_recovery: true };
  const { port, ...rest } = options;
  return startServer({ port, config: configOf({ log }, { workers: 4, ...rest }) });
}

// Sessions that hear kChannel, with nothing left to acknowledge but response 2.
async function openSessions(server) {
  const sessions = await Promise.all(range(1, kSessions).map(() => openPolls(server)));
  for (const session of sessions) {
    await session.tell({ id: 2, subscribe: { channel: kChannel } });
    const { messages } = await session.poll(1);
    assert.equal(messages[0].id, 2);
  }
  return sessions;
}

// A poll of each, held by the server.
async function holdPolls(server, sessions) {
  const polls = sessions.map((session) => session.poll(2));
  await until(
    async () => (await server.metrics()).value('millrace_http_connections') > polls.length,
    'all polls have arrived',
  );
  return polls;
}

afterEach(closeClients);

describe('a node that stops while it holds polls', () => {
  test('answers_each_of_them_with_a_goodbye', async () => {
    const server = await start();
    const polls = await holdPolls(server, await openSessions(server));
    server.kill('SIGTERM');
    for (const { status, messages } of await Promise.all(polls)) {
      assert.equal(status, 200);
      const { code, reason } = messages.at(-1).push.disconnect;
      assert.deepEqual([code, reason], [3001, 'shutdown']);
    }
    assert.deepEqual(await server.ended(), { code: 0, signal: null });
  });

  test('and_has_no_time_for_goodbyes_ends_all_the_same', async () => {
    const server = await start({ shutdown: { timeout: '0s' } });
    const polls = await holdPolls(server, await openSessions(server));
    server.kill('SIGTERM');
    for (const { status, value } of await Promise.allSettled(polls)) {
      assert.ok(status === 'rejected' || [200, 204, 404].includes(value.status), value?.body);
    }
    assert.deepEqual(await server.ended(), { code: 0, signal: null });
  });

  test('answers_or_cuts_off_commands_that_wait_for_clients_who_do_not_poll', async () => {
    const server = await start({ shutdown: { timeout: '500ms' } });
    const sessions = await openSessions(server);
    // More than half of what may wait for a client: its commands wait, too.
    await api(server, 'publish', { channel: kChannel, data: 'x'.repeat(700_000) });
    const command = { id: 3, history: { channel: kChannel, limit: 1 } };
    const told = sessions.map((session) => session.tell(command));
    const size = `${JSON.stringify(command)}\n`.length;
    await until(async () => {
      const kept = { transport: 'long_poll' };
      const scrape = await server.metrics();
      return scrape.value('millrace_transport_kept_bytes', kept) >= kSessions * size;
    }, 'all commands wait');
    server.kill('SIGTERM');
    for (const { status, value } of await Promise.allSettled(told)) {
      assert.ok(status === 'rejected' || [204, 404].includes(value.status), value?.body);
    }
    assert.deepEqual(await server.ended(), { code: 0, signal: null });
  });

  test('ends_at_once_at_a_second_signal', async () => {
    const server = await start();
    const sessions = await openSessions(server);
    const polls = await holdPolls(server, sessions.slice(1));
    server.kill('SIGTERM');
    await Promise.all(polls); // the first session does not come for its goodbye
    server.kill('SIGTERM');
    assert.deepEqual(await server.ended(), { code: 1, signal: null });
  });
});

const kEnds = {
  'is asked to stop': async (server) => {
    server.kill('SIGTERM');
    assert.deepEqual(await server.ended(), { code: 0, signal: null });
  },
  'is asked twice to stop': async (server) => {
    server.kill('SIGTERM');
    await until(() => server.logs().includes('stopping'), 'it has heard');
    server.kill('SIGTERM');
    assert.equal((await server.ended()).signal, null);
  },
};
for (const [how, end] of Object.entries(kEnds)) {
  describe(`a client whose node ${how}`, () => {
    for (const protocol of ['json', 'protobuf']) {
      test(`comes_back_and_has_everything_once_over_${protocol}`, async () => {
        const first = await start();
        const clients = range(1, 4).map(() =>
          makeClient(first, {
            protocol,
            ...over(first, ['long_poll']),
            minReconnectDelay: 1,
            maxReconnectDelay: 100,
          }),
        );
        const hear = clients.map((client) => listen(client, kChannel));
        for (const client of clients) client.connect();
        await Promise.all(hear.map((each) => each.replies.next()));
        await publishAll(first, kChannel, range(1, 30));
        for (const each of hear) assert.deepEqual(await each.heard(30), range(1, 30));
        const away = clients.map((client) => eventOf(client, 'connecting', { within: kLong }));
        await end(first);
        await Promise.all(away);
        const second = await start({ port: first.port });
        for (const each of hear) await each.replies.next(kLong);
        await publishAll(second, kChannel, range(31, 40));
        for (const each of hear) assert.deepEqual(await each.heard(10), range(31, 40));
        await clients[0].publish(kChannel, encode(clients[0], 'on'));
        for (const each of hear) assert.deepEqual(await each.heard(1), ['on']);
        for (const each of hear) assert.equal(each.publications.items.length, 0);
        closeClients();
        await second.stop();
      });
    }
  });
}
