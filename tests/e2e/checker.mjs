// The checker: publishers number their messages while everybody's connection breaks at random; in
// the end every subscriber must have seen every message of each channel once, and all of them in
// the same order.
//
// All that is random comes from one seed, which is printed.

import assert from 'node:assert/strict';

import { kBreaks } from './breakable.mjs';
import {
  ApiPublisher,
  ClientPublisher,
  FallbackSubscriber,
  LeanSubscriber,
  OfficialSubscriber,
  Random,
} from './checker_peers.mjs';
import { kFallbacks } from './fallbacks.mjs';
import { api } from './streams.mjs';
import { until } from './waiting.mjs';
import { Wire } from './wire.mjs';

const kPublishEveryMs = 10;
const kAtOnceMax = 4; // connections that break in one moment
const kHolesMax = 30;
const kPageSize = 10_000;
const kSettleMs = 20_000;
const kPads = ['', 'short', 'Grüße, мир, 🌍 '.repeat(3), 'x'.repeat(500)];
const kOfficialKinds = [
  { protocol: 'json' },
  { protocol: 'protobuf' },
  { protocol: 'json', delta: 'fossil' },
  { protocol: 'protobuf', delta: 'fossil' },
];

// A namespace that loses nothing while the checker runs, and the limits to go with it.
export const kCheckedNamespace = {
  history_size: 1_000_000,
  history_ttl: '1h',
  force_recovery: true,
  allowed_delta_types: ['fossil'],
  delta_publish: true,
};
export const kCheckedClient = { recovery_max_publication_limit: 100_000 };

// `kills` connections break within about `seconds`; with `cut`, the server ends some of the
// publishers' connections as well.
export class Checker {
  constructor({ server, seed, seconds, kills, cut = false, size = {} }) {
    Object.assign(this, { server, seed, seconds, kills, cut });
    const usual = { channels: 4, clients: 3, apis: 2, lean: 16, official: 8, fallbacks: 0 };
    this.size = { ...usual, ...size };
    this.random = new Random(seed);
    this.failures = [];
    this.broken = { leave: 0, reset: 0, vanish: 0, cut: 0, api: 0 };
    this.holes = [];
  }

  async makePeers() {
    const { channels, clients, apis, lean, official, fallbacks } = this.size;
    const times = (count, make) => Array.from({ length: count }, (_, i) => make(i));
    this.channels = times(channels, (i) => `checked:${this.seed}-${i}`);
    const networks = await Promise.all(times(fallbacks, () => Wire.to(this.server)));
    const world = {
      networks,
      server: this.server,
      random: this.random,
      fail: (what) => this.failures.push(what),
      compose: (p, n, random) => ({ p, n, pad: random.pick(kPads) }),
      idOf: ({ p, n }) => p * 1e9 + n,
    };
    this.idOf = world.idOf;
    this.publishers = [
      ...times(clients, (i) => new ClientPublisher(i, world, this.channels)),
      ...times(apis, (i) => new ApiPublisher(clients + i, world, this.channels)),
    ];
    this.subscribers = [
      ...times(lean, (i) => new LeanSubscriber(i, world, this.channels)),
      ...times(official, (i) => {
        const kind = kOfficialKinds[i % kOfficialKinds.length];
        return new OfficialSubscriber(i, world, this.channels, kind);
      }),
      ...times(fallbacks, (i) => {
        const [transport, protocol] = kFallbacks[i % kFallbacks.length];
        return new FallbackSubscriber(i, world, this.channels, { transport, protocol });
      }),
    ];
  }

  // What was done and seen; throws what is wrong.
  async run() {
    await this.makePeers();
    const began = Date.now();
    const everybody = [...this.subscribers, ...this.publishers];
    for (const peer of everybody) peer.start();
    const publishing = setInterval(() => {
      for (const publisher of this.publishers) {
        if (this.random.below(2) === 0) publisher.publishOne();
      }
    }, kPublishEveryMs);
    try {
      await this.breakAll();
      clearInterval(publishing);
      await until(
        () => this.failures.length > 0 || this.publishers.every(({ done }) => done),
        'every publish is answered',
        kSettleMs,
      );
      return { ...(await this.check()), seconds: (Date.now() - began) / 1000 };
    } finally {
      clearInterval(publishing);
      for (const peer of everybody) peer.stop();
    }
  }

  count() {
    return Object.values(this.broken).reduce((sum, count) => sum + count, 0);
  }

  // Breaks connections, at random times and several at a time.
  breakAll() {
    const meanMs = ((this.seconds * 1000) / this.kills) * ((1 + kAtOnceMax) / 2);
    return new Promise((done) => {
      const next = () => {
        if (this.failures.length > 0 || this.count() >= this.kills) return done();
        for (let left = 1 + this.random.below(kAtOnceMax); left > 0; --left) this.breakOne();
        setTimeout(next, this.random.below(2 * meanMs));
      };
      next();
    });
  }

  breakOne() {
    const victim = this.random.pick([...this.subscribers, ...this.publishers]);
    const how = this.random.pick(kBreaks);
    // A publisher has just said something, and won't hear the answer.
    for (let left = this.random.below(4); left > 0; --left) victim.publishOne?.();
    if (victim instanceof ApiPublisher) {
      victim.cutRequest();
      this.broken.api += 1;
    } else if (this.cut && victim instanceof ClientPublisher) {
      if (!victim.client) return;
      const disconnect = { code: 3011, reason: 'force reconnect' };
      const whom = { user: '', client: victim.client, disconnect };
      api(this.server, 'disconnect', whom).catch((error) => this.failures.push(error.message));
      this.broken.cut += 1;
    } else {
      const socket = victim.currentSocket();
      if (!socket?.alive) return;
      const hole = socket[how]();
      if (how === 'vanish') this.holes.push(hole ?? socket);
      this.broken[how] += 1;
      if (this.holes.length > kHolesMax) this.holes.shift()?.reset();
    }
  }

  // ---- In the end ----

  async check() {
    assert.deepEqual(this.failures, [], `seed ${this.seed}`);
    const logs = new Map();
    for (const channel of this.channels) logs.set(channel, await this.logOf(channel));
    const position = ({ seen }) =>
      [...seen].map(([channel, { ids }]) => `${channel} ${ids.length}`);
    const behind = () =>
      this.subscribers.filter(({ seen }) =>
        [...seen].some(([channel, { ids }]) => ids.length < logs.get(channel).length),
      );
    await until(
      () => this.failures.length > 0 || behind().length === 0,
      'every subscriber has seen everything',
      kSettleMs,
    ).catch((error) => {
      const late = behind().map((peer) => `${peer.name}: ${position(peer)}`);
      throw new Error(`seed ${this.seed}: ${error.message}\n${late.join('\n')}`);
    });
    assert.deepEqual(this.failures, [], `seed ${this.seed}`);
    this.checkLogs(logs);
    for (const { name, seen } of this.subscribers) {
      for (const [channel, { ids }] of seen) {
        const same = ids.length === logs.get(channel).length;
        const where = ids.findIndex((id, i) => id !== logs.get(channel)[i]);
        const what = `seed ${this.seed}: ${name} differs in ${channel} at ${where}`;
        assert.ok(same && where < 0, what);
      }
    }
    return this.figures(logs);
  }

  // The ids of a channel's messages, in order.
  async logOf(channel) {
    const ids = [];
    for (;;) {
      const since = ids.length === 0 ? undefined : { offset: ids.length, epoch: this.epoch };
      const page = await api(this.server, 'history', { channel, limit: kPageSize, since });
      this.epoch = page.epoch;
      for (const { offset, data } of page.publications) {
        assert.equal(offset, ids.length + 1, `seed ${this.seed}: ${channel}`);
        ids.push(this.idOf(data));
      }
      if (ids.length === page.offset) return ids;
    }
  }

  // Every message once, where its publisher was told that it is, and each publisher's in its order.
  checkLogs(logs) {
    const all = [...logs.values()].flat();
    const published = this.publishers.flatMap(({ number, count }) =>
      Array.from({ length: count }, (_, i) => this.idOf({ p: number, n: i + 1 })),
    );
    assert.equal(all.length, published.length, `seed ${this.seed}: messages in the logs`);
    assert.deepEqual(new Set(all), new Set(published), `seed ${this.seed}`);
    for (const { number, answers } of this.publishers) {
      for (const { channel, offset, message } of answers) {
        const id = logs.get(channel)[offset - 1];
        assert.equal(id, this.idOf(message), `seed ${this.seed}: ${channel} at ${offset}`);
      }
      for (const [channel, ids] of logs) {
        const own = ids.filter((id) => Math.floor(id / 1e9) === number);
        const sorted = own.every((id, i) => i === 0 || own[i - 1] < id);
        assert.ok(sorted, `seed ${this.seed}: publisher ${number} is out of order in ${channel}`);
      }
    }
  }

  async figures(logs) {
    const scrape = await this.server.metrics();
    const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);
    const messages = sum([...logs.values()].map(({ length }) => length));
    return {
      messages,
      seen: messages * this.subscribers.length,
      broken: this.count(),
      ...this.broken,
      resumed: sum(this.subscribers.map(({ recovered }) => recovered)),
      repeated: scrape.value('millrace_publishes_suppressed_total'),
    };
  }
}
