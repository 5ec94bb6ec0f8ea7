import { expect, it, onTestFinished } from 'vitest';
import { startScript } from './child-script.ts';

/** About a minute in CI. Set `SOAK_MINUTES=10` for a long run. */
const minutes = Number(process.env.SOAK_MINUTES ?? 0.9);
const perSecond = 100;
/** Each stream is cut after this time, so that a leak per connection shows too. */
const streamLifeMs = 1_000;

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
    const samples: Sample[] = [];
    const endsAt = performance.now() + minutes * 60_000;
    while (performance.now() < endsAt) samples.push(await soak.next<Sample>());

    const warm = samples.slice(Math.ceil(samples.length * 0.4));
    const [first, second] = [warm.slice(0, warm.length / 2), warm.slice(warm.length / 2)];
    const heaps = [first, second].map((half) => median(half.map(({ heapUsed }) => heapUsed)));
    // The median, because a sample may fall between two streams, when both are open.
    const handles = [first, second].map((half) => median(half.map(handlesOf)));
    const newest = warm.at(-1)?.newest ?? 0;
    const kilobytes = heaps.map((bytes) => Math.round(bytes / 1024));
    process.stdout.write(
      `${minutes} minutes, ${newest} changes: heap ${kilobytes.join(' and ')} kB in the two halves after warm-up, ` +
        `${handles.join(' and ')} handles, ${JSON.stringify(warm.at(-1)?.resources)}\n`,
    );
    expect(samples.flatMap(({ faults }) => faults)).toEqual([]);
    expect(newest).toBeGreaterThan(perSecond * minutes * 60 * 0.5);
    // A leak of 160 bytes per change, or 16 kB per stream, would exceed this in the shortest run.
    expect(heaps[1]).toBeLessThan((heaps[0] ?? 0) + 256 * 1024);
    expect(handles[1]).toBeLessThanOrEqual((handles[0] ?? 0) + 1);
    // It is stale only for a moment between two streams.
    expect(warm.filter(({ status }) => status === 'ready').length).toBeGreaterThan(warm.length / 2);
  },
  (minutes + 1) * 60_000,
);

function handlesOf({ resources }: Sample): number {
  return Object.values(resources).reduce((sum, count) => sum + count, 0);
}

function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((left, right) => left - right);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
