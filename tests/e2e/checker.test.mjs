// Nothing is lost, doubled or out of order, whatever happens to the connections.
//
//   CHECKER_SEED=7                          repeats the random choices of a run
//   CHECKER_SECONDS=300 CHECKER_KILLS=15000 makes it longer
//
// The figures are printed with the tests.

import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { afterEach, describe, test } from 'node:test';

import { closeSockets } from './breakable.mjs';
import { Checker, kCheckedClient, kCheckedNamespace } from './checker.mjs';
import { closeClients } from './clients.mjs';
import { startServer } from './harness.mjs';
import { configOf } from './streams.mjs';

const kSeed = Number(process.env.CHECKER_SEED ?? randomInt(2 ** 31));
const kSeconds = Number(process.env.CHECKER_SECONDS ?? 4);
const kKills = Number(process.env.CHECKER_KILLS ?? kSeconds * 50);

afterEach(() => {
  closeClients();
  closeSockets();
});

async function check(t, { workers, ...options }) {
  // Who polls and was cut off is gone when it has not polled for a while.
  const long_poll = { hold: '2s', poll_timeout: '2s' };
  const settings = { client: kCheckedClient, workers, long_poll };
  const config = configOf({ checked: kCheckedNamespace }, settings);
  const server = await startServer({ config });
  t.diagnostic(`CHECKER_SEED=${kSeed}`);
  const run = { server, seed: kSeed, seconds: kSeconds, kills: kKills };
  const checker = new Checker({ ...run, ...options });
  const figures = await checker.run();
  t.diagnostic(JSON.stringify(figures));
  closeClients();
  closeSockets();
  await server.becomesIdle();
  await server.stop();
  return figures;
}

describe('every message is seen once, in one order, by everybody', () => {
  test('on_one_core_while_connections_break', async (t) => {
    const figures = await check(t, { workers: 1 });
    assert.ok(figures.broken >= kKills && figures.messages > 0);
  });

  test('on_two_cores_while_connections_break', async (t) => {
    const figures = await check(t, { workers: 2 });
    assert.ok(figures.broken >= kKills && figures.repeated > 0);
  });

  test('over_every_transport_while_connections_break', async (t) => {
    const size = { lean: 0, official: 4, fallbacks: 10 };
    const figures = await check(t, { workers: 2, size });
    assert.ok(figures.broken >= kKills && figures.resumed > 0);
  });

  test('on_two_cores_while_the_server_ends_the_publishers_connections', async (t) => {
    const figures = await check(t, { workers: 2, cut: true, size: { clients: 12, apis: 0 } });
    assert.ok(figures.cut > kKills / 10);
  });
});
