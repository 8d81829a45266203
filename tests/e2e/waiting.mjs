// Waiting for something to happen, with a deadline and a word about what did not; never for time to
// pass.

export const kPatience = 5000; // ms

// Rejects with `what` when the promise takes longer.
export function withDeadline(promise, what, within = kPatience) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${within} ms: ${what}`)), within);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

// The first argument of an emitter's next event of this name that `where` accepts.
export function eventOf(emitter, name, { where = () => true, within = kPatience } = {}) {
  let listener;
  const happened = new Promise((resolve) => {
    listener = (argument) => where(argument) && resolve(argument);
    emitter.on(name, listener);
  });
  return withDeadline(happened, `event ${name}`, within).finally(() =>
    emitter.removeListener(name, listener),
  );
}

// Asks again and again until the answer is not false, and returns it.
export async function until(condition, what, within = kPatience) {
  const deadline = Date.now() + within;
  for (;;) {
    const answer = await condition();
    if (answer !== false && answer !== undefined) return answer;
    if (Date.now() > deadline) throw new Error(`not within ${within} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

// What arrives, in order, for whoever asks next.
export class Inbox {
  constructor(what) {
    this.what = what;
    this.items = [];
    this.takers = [];
    this.ended = null;
  }

  push(item) {
    if (this.takers.length > 0) this.takers.shift().resolve(item);
    else this.items.push(item);
  }

  // No more will come: takers get `error` from now on.
  end(error) {
    this.ended ??= error;
    for (const taker of this.takers.splice(0)) taker.reject(this.ended);
  }

  next(within = kPatience) {
    if (this.items.length > 0) return Promise.resolve(this.items.shift());
    if (this.ended) return Promise.reject(this.ended);
    const taker = {};
    const item = new Promise((resolve, reject) => Object.assign(taker, { resolve, reject }));
    this.takers.push(taker);
    return withDeadline(item, this.what, within).catch((error) => {
      this.takers = this.takers.filter((waiting) => waiting !== taker);
      throw error;
    });
  }

  async take(count) {
    const taken = [];
    while (taken.length < count) taken.push(await this.next());
    return taken;
  }
}
