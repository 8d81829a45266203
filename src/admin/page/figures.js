// The live server figures: polls /metrics and /health once a second, and fills the tiles and the
// server's pill.

import { Scrape, bucketsBetween, quantile } from './prometheus.js';
import { Sparkline } from './sparkline.js';

const kPollMs = 1000;
const kLatency = 'websocket_message_latency_ms';
const kLatencyWindow = 10; // scrapes

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });

// A bucketed quantile is known to its bucket only, so that is what is said.
function milliseconds(range) {
  if (!range) return '–';
  return range.high === Infinity ? `> ${range.low}` : `≤ ${range.high}`;
}

class Tile {
  constructor(id, label) {
    const tile = document.getElementById(id);
    this.text = tile.querySelector('p');
    this.spark = new Sparkline(tile.querySelector('svg'), { label: `${label}, last minute` });
  }

  show(value, [text, unit = '']) {
    const small = document.createElement('small');
    small.textContent = unit && ` ${unit}`;
    this.text.replaceChildren(text, small);
    this.spark.push(value);
  }
}

export class Figures {
  constructor() {
    this.tiles = {
      connections: new Tile('tile-connections', 'Connections'),
      subscriptions: new Tile('tile-subscriptions', 'Subscriptions'),
      inbound: new Tile('tile-inbound', 'Messages in per second'),
      outbound: new Tile('tile-outbound', 'Messages out per second'),
      latency: new Tile('tile-latency', '99th percentile of latency in milliseconds'),
      memory: new Tile('tile-memory', 'Resident memory'),
    };
    this.health = document.getElementById('health');
    this.scrapes = []; // [{at, scrape}], newest last
  }

  async run() {
    for (;;) {
      if (!document.hidden) await this.poll();
      await new Promise((resolve) => setTimeout(resolve, kPollMs));
    }
  }

  async poll() {
    try {
      const [metrics, health] = await Promise.all(
        ['/metrics', '/health'].map((path) => fetch(path, { cache: 'no-store' })),
      );
      const report = await health.json();
      this.showHealth(health.ok ? 'ok' : 'failed', `Server ${report.status}`);
      if (metrics.ok) this.take(new Scrape(await metrics.text()));
    } catch {
      this.showHealth('failed', 'Server not reachable');
      this.scrapes = [];
    }
  }

  showHealth(state, text) {
    if (this.health.dataset.state === state) return;
    this.health.dataset.state = state;
    this.health.querySelector('span').textContent = text;
  }

  take(scrape) {
    const at = performance.now();
    // A restarted server counts from zero.
    const started = (of) => of.value('process_start_time_seconds');
    if (this.scrapes.some((earlier) => started(earlier.scrape) !== started(scrape))) {
      this.scrapes = [];
    }
    this.scrapes.push({ at, scrape });
    if (this.scrapes.length > kLatencyWindow + 1) this.scrapes.shift();
    const before = this.scrapes.at(-2);
    const perSecond = (direction) => {
      const count = (of) => of.value('millrace_messages_total', { direction });
      return before ? ((count(scrape) - count(before.scrape)) * 1000) / (at - before.at) : 0;
    };
    const plain = (tile, value) => tile.show(value, [whole.format(value)]);
    plain(this.tiles.connections, scrape.value('millrace_connections'));
    plain(this.tiles.subscriptions, scrape.value('millrace_subscriptions'));
    for (const direction of ['inbound', 'outbound']) {
      const rate = perSecond(direction);
      this.tiles[direction].show(rate, [whole.format(rate), '/s']);
    }
    this.showLatency(scrape);
    const mebibytes = scrape.value('process_resident_memory_bytes') / 2 ** 20;
    this.tiles.memory.show(mebibytes, [mebibytes.toFixed(1), 'MiB']);
  }

  showLatency(scrape) {
    const seen = bucketsBetween(this.scrapes[0].scrape.buckets(kLatency), scrape.buckets(kLatency));
    const [median, tail] = [quantile(seen, 0.5), quantile(seen, 0.99)];
    const height = tail ? Math.min(tail.high, 2 * tail.low + 1) : 0;
    const text = tail ? `${milliseconds(median)} · ${milliseconds(tail)}` : '–';
    this.tiles.latency.show(height, [text, tail ? 'ms' : '']);
  }
}
