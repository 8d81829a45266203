// Publishes many small messages as fast as the server acknowledges them, and says how fast that
// was.

import { duration } from './feed.js';

const kBatch = 200; // publications in one frame
const kBatchesInFlight = 4; // frames sent and not acknowledged
const kQuietMs = 3000; // how long to wait for the next message to come back

const whole = (value) => Math.round(value).toLocaleString('en');

export class Burst {
  // `publish(channel, value)` promises the server's acknowledgement; `batch(work)` sends what
  // `work` publishes as one frame.
  constructor({ publish, batch }) {
    this.publish = publish;
    this.batch = batch;
    this.channel = null;
    this.took = [];
  }

  // A publication of ours came back.
  heard(channel, took) {
    if (channel !== this.channel) return;
    this.took.push(took);
    this.onHeard?.();
  }

  // Resolves to a sentence about the result; rejects with the first error.
  async run(channel, count, subscribed) {
    this.channel = channel;
    this.took = [];
    try {
      const started = performance.now();
      await this.publishAll(channel, count);
      const took = performance.now() - started;
      const rate = whole((count * 1000) / took);
      const sent = `${whole(count)} published in ${duration(took)}, ${rate} per second.`;
      if (!subscribed) return `${sent} Subscribe to ${channel} to see them arrive.`;
      await this.allHeard(count);
      return `${sent} ${this.heardBack(count)}`;
    } finally {
      this.channel = null;
    }
  }

  async publishAll(channel, count) {
    let next = 0;
    const worker = async () => {
      while (next < count) {
        const replies = [];
        this.batch(() => {
          for (let i = 0; i < kBatch && next < count; i++) {
            next += 1;
            replies.push(this.publish(channel, { burst: next, of: count }));
          }
        });
        await Promise.all(replies);
      }
    };
    await Promise.all(Array.from({ length: kBatchesInFlight }, worker));
  }

  async allHeard(count) {
    while (this.took.length < count) {
      const heard = await new Promise((resolve) => {
        const timer = setTimeout(() => resolve(false), kQuietMs);
        this.onHeard = () => {
          clearTimeout(timer);
          resolve(true);
        };
      });
      this.onHeard = null;
      if (!heard) return;
    }
  }

  heardBack(count) {
    const sorted = this.took.slice().sort((a, b) => a - b);
    const at = (q) => duration(sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))]);
    if (sorted.length === 0) return 'None came back.';
    const how = sorted.length === count ? 'All' : `Only ${whole(sorted.length)}`;
    return `${how} came back: round trip p50 ${at(0.5)}, p99 ${at(0.99)}.`;
  }
}
