import { expect, it, onTestFinished } from 'vitest';
import { startScript } from './child-script.ts';

/** About a minute in CI. Set `SOAK_MINUTES=10` for a long run. */
const minutes = Number(process.env.SOAK_MINUTES ?? 0.9);
const perSecond = 100;
/** Each stream is cut after this time, so that a leak per connection shows too. */
const streamLifeMs = 1_000;
const maxRuns = 4;

interface Sample {
  heapUsed: number;
  rss: number;
  resources: Record<string, number>;
  changes: number;
  newest: number;
  status: string;
  faults: string[];
}

it(
  `memory and handles do not grow over ${minutes} minutes of ${perSecond} changes per second`,
  async () => {
    const server = await startScript('change-server.mjs', {
      PADDING: '500',
      STREAM_LIFE_MS: String(streamLifeMs),
    });
    onTestFinished(() => server.stop());
    const { url } = await server.next<{ url: string }>();
    const soak = await startScript('soak-process.mjs', { SOAK_URL: url }, ['--expose-gc']);
    onTestFinished(() => soak.stop());
    await soak.next();
    server.send({ perSecond });
    const sample = async (): Promise<Sample[]> => {
      const samples: Sample[] = [];
      const endsAt = performance.now() + minutes * 60_000;
      while (performance.now() < endsAt) samples.push(await soak.next<Sample>());
      expect(samples.flatMap(({ faults }) => faults)).toEqual([]);
      return samples;
    };
    const first = await sample();
    let warm = first.slice(Math.ceil(first.length * 0.4));
    // A leak grows in each run. What a busy machine adds grows once, such as code that is compiled late.
    for (let run = 1; run < maxRuns && hasGrown(warm); run += 1) warm = await sample();

    const { heaps, handles } = halvesOf(warm);
    const newest = warm.at(-1)?.newest ?? 0;
    const kilobytes = heaps.map((bytes) => Math.round(bytes / 1024));
    process.stdout.write(
      `${minutes} minutes, ${newest} changes: heap ${kilobytes.join(' and ')} kB in the two halves after warm-up, ` +
        `${handles.join(' and ')} handles, ${JSON.stringify(warm.at(-1)?.resources)}\n`,
    );
    expect(newest).toBeGreaterThan(perSecond * minutes * 60 * 0.5);
    expect(hasGrown(warm)).toBe(false);
    // It is stale only for a moment between two streams.
    expect(warm.filter(({ status }) => status === 'ready').length).toBeGreaterThan(warm.length / 2);
  },
  (minutes * maxRuns + 3) * 60_000,
);

function hasGrown(samples: readonly Sample[]): boolean {
  const { heaps, handles } = halvesOf(samples);
  // A leak of 160 bytes per change, or 16 kB per stream, would exceed this in the shortest run.
  return heaps[1] >= heaps[0] + 256 * 1024 || handles[1] > handles[0] + 1;
}

/** Medians of the two halves, because a sample may fall between two streams, when both are open. */
function halvesOf(samples: readonly Sample[]): { heaps: [number, number]; handles: [number, number] } {
  const half = samples.length / 2;
  const medians = (measure: (sample: Sample) => number): [number, number] => [
    median(samples.slice(0, half).map(measure)),
    median(samples.slice(half).map(measure)),
  ];
  return { heaps: medians(({ heapUsed }) => heapUsed), handles: medians(handlesOf) };
}

function handlesOf({ resources }: Sample): number {
  return Object.values(resources).reduce((sum, count) => sum + count, 0);
}

function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((left, right) => left - right);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
