/** Something that was killed, at a time of `performance.now()`. */
export interface Fault {
  name: string;
  atMs: number;
  /** How long it was away, if the test brought it back. */
  awayMs?: number;
}

interface Recovery {
  name: string;
  awayMs: number;
  /** The longest time without an acknowledged write until the next fault. */
  writesMs: number;
  /** Streams that ended until the next fault, and the longest time until one was open again. */
  ended: number;
  streamsMs: number;
}

/** How long writes and streams took to recover from each kind of fault, as a table in Markdown. */
export function recoveryTable({
  faults,
  acknowledgedAtMs,
  gaps,
}: {
  faults: readonly Fault[];
  acknowledgedAtMs: readonly number[];
  gaps: readonly { fromMs: number; toMs: number }[];
}): string {
  const recoveries = faults.map((fault, index): Recovery => {
    const nextAtMs = faults[index + 1]?.atMs ?? Number.POSITIVE_INFINITY;
    const isWithin = (atMs: number): boolean => atMs >= fault.atMs && atMs < nextAtMs;
    const cut = gaps.filter(({ fromMs }) => isWithin(fromMs));
    return {
      name: fault.name,
      awayMs: fault.awayMs ?? Number.NaN,
      writesMs: longestSilence(acknowledgedAtMs, fault.atMs, nextAtMs),
      ended: cut.length,
      streamsMs: Math.max(0, ...cut.map(({ fromMs, toMs }) => toMs - fromMs)),
    };
  });
  const names = [...new Set(faults.map(({ name }) => name))];
  const rows = names.map((name) => {
    const all = recoveries.filter((recovery) => recovery.name === name);
    const times = [all.map(({ awayMs }) => awayMs), all.map(({ writesMs }) => writesMs)];
    const streams = [all.map(({ ended }) => ended), all.map(({ streamsMs }) => streamsMs)];
    return `| ${[`${name}, ${all.length} ×`, ...[...times, ...streams].map(medianAndLongest)].join(' | ')} |`;
  });
  const head = ['', 'away, ms', 'without an acknowledged write, ms', 'streams ended', 'without a stream, ms'];
  return [`| ${head.join(' | ')} |`, '| --- | ---: | ---: | ---: | ---: |', ...rows].join('\n');
}

/** The longest time between acknowledged writes of which the second comes after the fault. */
function longestSilence(times: readonly number[], fromMs: number, toMs: number): number {
  let longestMs = 0;
  for (const [index, atMs] of times.entries()) {
    if (atMs < fromMs || atMs >= toMs) continue;
    longestMs = Math.max(longestMs, atMs - Math.max(fromMs, times[index - 1] ?? fromMs));
  }
  return longestMs;
}

function medianAndLongest(numbers: readonly number[]): string {
  const sorted = [...numbers].sort((one, other) => one - other);
  const median = sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN;
  if (Number.isNaN(median)) return '–';
  const longest = sorted.at(-1) ?? median;
  return sorted.length === 1
    ? `${Math.round(median)}`
    : `${Math.round(median)}, at most ${Math.round(longest)}`;
}
