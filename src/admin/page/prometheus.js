// Reads the Prometheus text format as far as the server writes it: `name{label="value",…} number`
// lines. Used by the page's live figures and by the end-to-end tests.

const kLine = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)/;
const kLabel = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g;

function number(text) {
  if (text === '+Inf') return Infinity;
  return text === '-Inf' ? -Infinity : Number(text);
}

// All samples of one scrape.
export class Scrape {
  constructor(text) {
    this.samples = new Map(); // name -> [{labels, value}]
    for (const line of text.split('\n')) {
      const match = line.startsWith('#') ? null : kLine.exec(line);
      if (!match) continue;
      const labels = {};
      for (const [, key, value] of (match[2] ?? '').matchAll(kLabel)) labels[key] = value;
      if (!this.samples.has(match[1])) this.samples.set(match[1], []);
      this.samples.get(match[1]).push({ labels, value: number(match[3]) });
    }
  }

  // The sum over all series of a name that have these labels; 0 if there is none.
  value(name, labels = {}) {
    let sum = 0;
    for (const sample of this.samples.get(name) ?? []) {
      if (Object.entries(labels).every(([key, wanted]) => sample.labels[key] === wanted))
        sum += sample.value;
    }
    return sum;
  }

  // A histogram's cumulative buckets, [{bound, count}] in order of their bounds.
  buckets(name) {
    const rows = (this.samples.get(`${name}_bucket`) ?? []).map(({ labels, value }) => ({
      bound: number(labels.le),
      count: value,
    }));
    return rows.sort((a, b) => a.bound - b.bound);
  }
}

// What was observed between two scrapes of one histogram.
export function bucketsBetween(earlier, later) {
  return later.map(({ bound, count }, i) => ({ bound, count: count - (earlier[i]?.count ?? 0) }));
}

// Where the quantile q of cumulative buckets lies: {low, high}, the bounds of its bucket; null
// without observations.
export function quantile(buckets, q) {
  const total = buckets.at(-1)?.count ?? 0;
  if (!(total > 0)) return null;
  const i = buckets.findIndex(({ count }) => count >= q * total);
  return { low: i === 0 ? 0 : buckets[i - 1].bound, high: buckets[i].bound };
}
