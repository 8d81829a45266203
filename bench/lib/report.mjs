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

const behind = ({ rate, notes }) =>
  [...(rate > 0 ? [`${shown(rate)} messages/s`] : []), ...notes].join('; ');

// One case: a row for each peer that had a turn. Columns that nobody has a figure for are left out.
export function caseTable(which, rows, titles) {
  const several = rows.some(({ values }) => values.length > 1);
  const columns = [
    { head: ' ', cell: ({ peer }) => `  ${titles.get(peer)}` },
    { head: which.unit, cell: (row) => shown(row.median) },
    { head: 'spread', cell: (row) => percent(row.spread), shown: several },
    { head: `to ${titles.get(kReference)}`, cell: (row) => times(row.ratio), has: 'ratio' },
    {
      head: 'deliveries/s',
      cell: (row) => shown(row.deliveries_per_second),
      has: 'deliveries_per_second',
    },
    { head: 'p50 µs', cell: (row) => shown(row.p50_us), has: 'p50_us' },
    { head: 'p99 µs', cell: (row) => shown(row.p99_us), has: 'p99_us' },
    { head: '', cell: behind },
  ].filter(({ shown: isShown = true, has }) => isShown && (!has || rows.some((row) => row[has])));
  const lines = rows.map((row) => columns.map(({ cell }) => cell(row)));
  const head = columns.map((column) => column.head);
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
