// Who may do what: the production defaults, and namespaces that allow one thing or another.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { connect, encode, makeClient, subscribe } from './clients.mjs';
import { startServer } from './harness.mjs';
import { eventOf } from './waiting.mjs';

const kListen = { allow_subscribe_for_client: true, allow_subscribe_for_anonymous: true };
const kTalk = { allow_publish_for_client: true, allow_publish_for_anonymous: true };

async function refusedConnection(server, options) {
  const client = makeClient(server, options);
  const disconnected = eventOf(client, 'disconnected');
  client.connect();
  return disconnected;
}

describe('a server with its defaults', () => {
  let server;
  before(async () => (server = await startServer({ dev: false })));
  after(() => server.stop());

  for (const protocol of ['json', 'protobuf']) {
    test(`a_client_without_a_token_is_closed_with_3501_over_${protocol}`, async () => {
      assert.deepEqual(await refusedConnection(server, { protocol }), {
        code: 3501,
        reason: 'bad request',
      });
      await server.becomesIdle();
    });
  }

  test('a_client_with_a_token_that_nothing_can_verify_is_closed_with_3500', async () => {
    assert.deepEqual(await refusedConnection(server, { token: 'e30.e30.c2ln' }), {
      code: 3500,
      reason: 'invalid token',
    });
    await server.becomesIdle();
  });

  test('the_playground_and_the_echo_endpoint_are_not_there', async () => {
    assert.equal((await server.request('/')).status, 404);
    assert.equal((await server.request('/echo')).status, 404);
  });
});

describe('namespaces', () => {
  let server;
  let client;
  const subscribeError = async (channel) => {
    const subscription = client.newSubscription(channel);
    const unsubscribed = eventOf(subscription, 'unsubscribed');
    subscription.subscribe();
    const { code, reason } = await unsubscribed;
    client.removeSubscription(subscription);
    return { code, reason };
  };
  const publishError = (channel) =>
    client.publish(channel, encode(client, 1)).then(
      () => null,
      ({ code }) => code,
    );

  before(async () => {
    server = await startServer({
      dev: false,
      config: {
        client: { allow_anonymous_connect_without_token: true },
        channel: {
          without_namespace: { ...kListen, ...kTalk },
          namespaces: [
            { name: 'closed' },
            { name: 'users', allow_subscribe_for_client: true, allow_publish_for_client: true },
            { name: 'listen', ...kListen },
            { name: 'talk', ...kTalk },
            {
              name: 'members',
              ...kListen,
              allow_publish_for_subscriber: true,
              allow_publish_for_anonymous: true,
            },
            { name: 'numbers', ...kListen, ...kTalk, channel_regex: '^[0-9]+$' },
            { name: 'objects', ...kListen, ...kTalk, publication_data_format: 'json_object' },
          ],
        },
      },
    });
    client = await connect(server);
  });
  after(async () => {
    client.disconnect();
    await server.becomesIdle();
    await server.stop();
  });

  test('the_default_namespace_allows_what_it_says', async () => {
    const hears = await subscribe(client, 'open');
    assert.equal(await publishError('open'), null);
    assert.equal((await hears.publications.next()).data, 1);
  });

  test('a_namespace_without_permissions_gets_103', async () => {
    assert.deepEqual(await subscribeError('closed:1'), { code: 103, reason: 'permission denied' });
    assert.equal(await publishError('closed:1'), 103);
  });

  test('what_clients_may_do_anonymous_ones_may_not', async () => {
    assert.equal((await subscribeError('users:1')).code, 103);
    assert.equal(await publishError('users:1'), 103);
  });

  test('subscribing_and_publishing_are_allowed_separately', async () => {
    await subscribe(client, 'listen:1');
    assert.equal(await publishError('listen:1'), 103);
    assert.equal((await subscribeError('talk:1')).code, 103);
    assert.equal(await publishError('talk:1'), null);
  });

  test('publishing_for_subscribers_needs_the_subscription', async () => {
    assert.equal(await publishError('members:1'), 103);
    const hears = await subscribe(client, 'members:1');
    assert.equal(await publishError('members:1'), null);
    await hears.publications.next();
  });

  test('private_channels_need_a_token', async () => {
    assert.equal((await subscribeError('$secret')).code, 103);
  });

  test('user_limited_channels_are_not_for_others', async () => {
    assert.equal((await subscribeError('dialog#42,43')).code, 103);
  });

  test('names_outside_the_pattern_of_a_namespace_get_107', async () => {
    await subscribe(client, 'numbers:2026');
    assert.equal((await subscribeError('numbers:x')).code, 107);
  });

  test('payloads_outside_the_format_of_a_namespace_get_107', async () => {
    assert.equal(await publishError('objects:1'), 107);
    await client.publish('objects:1', encode(client, { fine: true }));
  });

  test('unknown_namespaces_get_102', async () => {
    assert.equal((await subscribeError('unknown:1')).code, 102);
    assert.equal(await publishError('unknown:1'), 102);
  });
});
