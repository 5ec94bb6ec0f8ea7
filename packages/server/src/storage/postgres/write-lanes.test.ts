import { expect, it } from 'vitest';
import { WriteLanes } from './write-lanes.ts';

const WAIT = { timeout: 30_000 };

interface Step {
  name: string;
  end: (error?: Error) => void;
}

/** Lanes whose writes end when the test says so. */
function heldLanes() {
  const lanes = new WriteLanes();
  const running: Step[] = [];
  const run = (lane: string, name: string): Promise<string> =>
    lanes.run(
      lane,
      () =>
        new Promise((resolve, reject) => {
          const end = (error?: Error): void => (error === undefined ? resolve(name) : reject(error));
          running.push({ name, end });
        }),
    );
  const names = (): string[] => running.map(({ name }) => name);
  return { lanes, running, run, names };
}

it('runs the writes of a lane one after another, also after one that fails', async () => {
  const { running, run, names } = heldLanes();
  const first = run('a', 'first');
  const second = run('a', 'second');
  const other = run('b', 'other');
  await expect.poll(names, WAIT).toEqual(['first', 'other']);
  running[0]?.end(new Error('refused'));
  await expect(first).rejects.toThrow('refused');
  await expect.poll(names, WAIT).toEqual(['first', 'other', 'second']);
  running[1]?.end();
  running[2]?.end();
  expect(await Promise.all([second, other])).toEqual(['second', 'other']);
});

it('runs five lanes at a time, and the next one when one of them ends', async () => {
  const { lanes, running, run, names } = heldLanes();
  const writes = ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((lane) => run(lane, lane));
  await expect.poll(names, WAIT).toEqual(['a', 'b', 'c', 'd', 'e']);
  running[2]?.end(new Error('refused'));
  await expect(writes[2]).rejects.toThrow('refused');
  await expect.poll(names, WAIT).toEqual(['a', 'b', 'c', 'd', 'e', 'f']);
  running[0]?.end();
  await expect.poll(names, WAIT).toEqual(['a', 'b', 'c', 'd', 'e', 'f', 'g']);
  for (const step of running) step.end();
  await lanes.idle();
  expect(await Promise.all(writes.filter((_, index) => index !== 2))).toHaveLength(6);
});
