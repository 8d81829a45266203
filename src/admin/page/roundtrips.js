// Measures the round trip of this page's own publications: from publish to the same publication's
// arrival.
//
// Nothing is added to the payload. A client's publications come back in the order they were made,
// so each arrival is matched with the oldest one of its channel and text; older ones that did not
// match never came (a publish that was refused) and go.

const kWaitingMax = 20_000; // per channel, for publications that never come back

export class RoundTrips {
  constructor() {
    this.waiting = new Map(); // channel -> [{text, at}], oldest first
  }

  sent(channel, text) {
    if (!this.waiting.has(channel)) this.waiting.set(channel, []);
    const queue = this.waiting.get(channel);
    if (queue.length >= kWaitingMax) queue.shift();
    queue.push({ text, at: performance.now() });
  }

  // Milliseconds since it was sent, or null if it was not sent from here.
  arrived(channel, text) {
    const queue = this.waiting.get(channel) ?? [];
    const i = queue.findIndex((entry) => entry.text === text);
    if (i < 0) return null;
    const took = performance.now() - queue[i].at;
    queue.splice(0, i + 1);
    return took;
  }

  forget(channel) {
    this.waiting.delete(channel);
  }

  clear() {
    this.waiting.clear();
  }
}
