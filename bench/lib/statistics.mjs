// Of a handful of rounds.

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

// Half of the distance between the least and the greatest, as part of the median.
export function spread(values) {
  return (Math.max(...values) - Math.min(...values)) / 2 / median(values);
}
