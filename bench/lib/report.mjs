// The tables, for people.

import { kReference } from '../peers/index.mjs';

const kDash = '–';

export function shown(value) {
  if (value === null || value === undefined) return kDash;
  const size = Math.abs(value);
  if (size >= 100) return Math.round(value).toLocaleString('en');
  return value.toFixed(size >= 10 ? 1 : 2);
}

const times = (ratio) => (ratio === null ? kDash : `${ratio.toFixed(2)} ×`);
const percent = (part) => (part === null ? kDash : `±${Math.round(part * 100)} %`);

// Columns as wide as they must be: the first and the last to the left, the others to the right.
export function table(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const last = widths.length - 1;
  return rows
    .map((row) =>
      row
        .map((cell, i) => {
          const left = i === 0 || i === last;
          return left ? cell.padEnd(widths[i]) : cell.padStart(widths[i]);
        })
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

// One case: a row for each peer that had a turn.
export function caseTable(which, rows, titles) {
  const reference = titles.get(kReference);
  const ratio = `to ${reference}`;
  const head = [' ', which.unit, 'spread', ratio, 'deliveries/s', 'p50 µs', 'p99 µs', ''];
  const lines = rows.map((row) => [
    `  ${titles.get(row.peer)}`,
    shown(row.median),
    row.values.length > 1 ? percent(row.spread) : kDash,
    times(row.ratio),
    shown(row.deliveries_per_second),
    shown(row.p50_us),
    shown(row.p99_us),
    [row.rate > 0 ? `${shown(row.rate)} messages/s` : '', ...row.notes].filter(Boolean).join('; '),
  ]);
  return `${which.name}: ${which.title}\n${table([head, ...lines])}\n`;
}

const verdict = ({ reached, figure, peer }) => {
  if (reached !== null) return reached ? 'reached' : 'NOT REACHED';
  return figure === null ? 'not measured' : `needs ${peer}`;
};

export function barTable(judged) {
  const head = ['bar', 'asked', 'Millrace', 'ratio', 'peer', ''];
  const theirs = (bar) => {
    if (bar.peer === null) return kDash;
    return `${bar.peer} ${shown(bar.peer_figure)}${bar.recorded ? ' (recorded)' : ''}`;
  };
  const lines = judged.map((bar) => [
    bar.what,
    bar.absolute ? `≤ ${bar.bar}` : `≤ ${bar.bar} × ${bar.peer}`,
    shown(bar.figure),
    times(bar.ratio),
    theirs(bar),
    verdict(bar),
  ]);
  return table([head, ...lines]);
}
