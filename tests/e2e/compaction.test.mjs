// Channel compaction: clients that offer it get a number for each channel, and pushes by it.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';

import { closeSockets } from './breakable.mjs';
import { closeClients } from './clients.mjs';
import { startServer } from './harness.mjs';
import {
  JsonClient,
  breakAway,
  comeBack,
  configOf,
  freshChannel,
  openListener,
  publishAll,
  range,
} from './streams.mjs';

const kLog = { history_size: 100, history_ttl: '300s', force_recovery: true };
const kNamespaces = {
  log: kLog,
  plain: {},
  joins: { presence: true, join_leave: true, force_push_join_leave: true },
};
const kCompact = { flag: 1 };

let server;
before(async () => (server = await startServer({ config: configOf(kNamespaces) })));
afterEach(async () => {
  closeClients();
  closeSockets();
  await server.becomesIdle();
});
after(() => server.stop());

const publish = (channel, values) => publishAll(server, channel, values);

describe('channels by number', () => {
  test('pushes_have_the_id_of_the_subscribe_reply_and_no_channel', async () => {
    for (const namespace of ['log', 'plain']) {
      const client = await JsonClient.connect(server);
      const channels = range(1, 3).map(() => freshChannel(namespace));
      const ids = [];
      for (const channel of channels) ids.push((await client.subscribe(channel, kCompact)).id);
      assert.ok(ids.every((id) => Number.isSafeInteger(id) && id > 0));
      assert.equal(new Set(ids).size, 3);
      for (const [i, channel] of channels.entries()) {
        await publish(channel, [i]);
        const push = await client.pushes.next();
        assert.deepEqual([push.id, push.channel, push.pub.data], [ids[i], undefined, i]);
      }
    }
  });

  test('who_does_not_offer_it_gets_the_name', async () => {
    const channel = freshChannel('log');
    const [named, numbered] = [await JsonClient.connect(server), await JsonClient.connect(server)];
    assert.equal((await named.subscribe(channel)).id, undefined);
    const { id } = await numbered.subscribe(channel, kCompact);
    await publish(channel, ['for both']);
    const pub = { data: 'for both', offset: 1 };
    assert.deepEqual(await named.pushes.next(), { channel, pub });
    assert.deepEqual(await numbered.pushes.next(), { id, pub });
  });

  test('it_makes_pushes_smaller_by_the_name', async () => {
    const channel = freshChannel('log') + 'x'.repeat(200);
    const client = await JsonClient.connect(server);
    await client.subscribe(channel, kCompact);
    await publish(channel, [1]);
    await client.pushes.next();
    assert.ok(client.lines.at(-1).length < 60, client.lines.at(-1));
  });

  test('joins_and_leaves_have_it_too', async () => {
    const channel = freshChannel('joins');
    const [client, other] = [await JsonClient.connect(server), await JsonClient.connect(server)];
    const { id } = await client.subscribe(channel, kCompact);
    assert.equal((await client.pushes.next()).join.info.client, client.id);
    await other.subscribe(channel);
    const join = await client.pushes.next();
    assert.deepEqual([join.id, join.channel, join.join.info.client], [id, undefined, other.id]);
    await other.unsubscribe(channel);
    const leave = await client.pushes.next();
    assert.deepEqual([leave.id, leave.channel, leave.leave.info.client], [id, undefined, other.id]);
  });

  test('ids_are_good_after_leaving_and_coming_back', async () => {
    const [one, two] = [freshChannel('log'), freshChannel('log')];
    const client = await JsonClient.connect(server);
    await client.subscribe(one, kCompact);
    await client.unsubscribe(one);
    const second = await client.subscribe(two, kCompact);
    const { epoch } = second;
    const first = await client.subscribe(one, { ...kCompact, recover: true, epoch, offset: 0 });
    assert.notEqual(first.id, second.id);
    await publish(one, ['in one']);
    await publish(two, ['in two']);
    const pushes = await client.pushes.take(2);
    assert.deepEqual(
      pushes.map(({ id, pub }) => [id, pub.data]),
      [
        [first.id, 'in one'],
        [second.id, 'in two'],
      ],
    );
  });
});

for (const protocol of ['json', 'protobuf']) {
  test(`the_official_client_finds_its_channels_over_${protocol}`, async () => {
    const channels = range(1, 5).map(() => freshChannel('log'));
    const listeners = await Promise.all(
      channels.map((channel) => openListener(server, channel, { protocol })),
    );
    for (const round of range(1, 3)) {
      for (const [client] of listeners) await breakAway(client);
      for (const channel of channels) await publish(channel, [`${round} ${channel}`]);
      for (const [client, sub] of listeners) await comeBack(client, sub);
      for (const channel of channels) await publish(channel, [`live ${round} ${channel}`]);
      for (const [i, [, sub]] of listeners.entries()) {
        const expected = [`${round} ${channels[i]}`, `live ${round} ${channels[i]}`];
        assert.deepEqual(await sub.heard(2), expected);
      }
    }
  });
}
