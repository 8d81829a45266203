// What the rounds say together.

import { kReference } from '../peers/index.mjs';
import { complaints } from './runner.mjs';
import { median, spread } from './statistics.mjs';

// The ratio to another peer is taken round by round, since both had the same machine then.
function ratio(mine, theirs) {
  const pairs = mine
    .map(({ round, value }) => [value, theirs.find((other) => other.round === round)?.value])
    .filter(([, value]) => value > 0);
  return pairs.length > 0 ? median(pairs.map(([a, b]) => a / b)) : null;
}

const medianOf = (outcomes, figure) => {
  const values = outcomes.map(({ results }) => figure(results.at(-1))).filter(Number.isFinite);
  return values.length > 0 ? median(values) : null;
};

export class Figures {
  constructor(outcomes) {
    this.outcomes = outcomes;
  }

  good(caseName, peerName) {
    return this.outcomes.filter(
      ({ case: which, peer, value }) =>
        which.name === caseName && peer.name === peerName && Number.isFinite(value),
    );
  }

  value(caseName, peerName) {
    const good = this.good(caseName, peerName);
    return good.length > 0 ? median(good.map(({ value }) => value)) : null;
  }

  ratio(caseName, peerName, otherName) {
    return ratio(this.good(caseName, peerName), this.good(caseName, otherName));
  }

  // All of a peer's row in a case; null where it had no turn.
  row(which, peer) {
    const all = this.outcomes.filter((one) => one.case === which && one.peer === peer);
    if (all.length === 0) return null;
    const good = this.good(which.name, peer.name);
    const errors = [...new Set(all.map(({ error }) => error).filter(Boolean))];
    const latency = (name) =>
      which.latency === false ? null : medianOf(good, (result) => result.latency_us?.[name]);
    const complaint = complaints(good.flatMap(({ results }) => results));
    return {
      case: which.name,
      peer: peer.name,
      unit: which.unit,
      values: good.map(({ value }) => value),
      median: this.value(which.name, peer.name),
      spread: good.length > 0 ? spread(good.map(({ value }) => value)) : null,
      ratio: this.ratio(which.name, peer.name, kReference),
      deliveries_per_second: medianOf(good, (result) => result.deliveries_per_second),
      rate: medianOf(good, (result) => result.rate),
      p50_us: latency('p50'),
      p99_us: latency('p99'),
      notes: [complaint, ...errors.map((error) => `failed: ${error}`)].filter(Boolean),
      rounds: good.map(({ round, results }) => ({ round, results })),
    };
  }
}

// Each bar: {what, bar, figure, peer, peer_figure, recorded, reached}; reached is null where it
// cannot be told.
export function judge(figures, { bars, recorded }, subject, cases) {
  const asked = bars.filter((bar) => cases.some(({ name }) => name === bar.case));
  return asked.map((bar) => {
    const figure = figures.value(bar.case, subject);
    const here = bar.peer ? figures.value(bar.case, bar.peer) : null;
    const stored = here === null ? (recorded[bar.peer]?.[bar.case] ?? null) : null;
    const peerFigure = here ?? stored;
    const result = {
      case: bar.case,
      what: bar.what,
      bar: bar.most ?? bar.times,
      absolute: bar.most !== undefined,
      figure,
      peer: bar.peer ?? null,
      peer_figure: peerFigure,
      recorded: stored !== null,
      ratio: null,
      reached: null,
    };
    if (figure === null) return result;
    if (bar.most !== undefined) return { ...result, reached: figure <= bar.most };
    if (peerFigure === null) return result;
    const times = here === null ? figure / stored : figures.ratio(bar.case, subject, bar.peer);
    return times === null ? result : { ...result, ratio: times, reached: times <= bar.times };
  });
}
