import { describe, expect, it } from 'vitest';
import { SerialTask } from './serial-task.ts';

/** A task whose runs end one by one, when the test says so. */
function createSteps() {
  const ends: ((error?: Error) => void)[] = [];
  let running = 0;
  const task = new SerialTask(async () => {
    running += 1;
    expect(running).toBe(1);
    try {
      await new Promise<void>((resolve, reject) => {
        ends.push((error) => (error === undefined ? resolve() : reject(error)));
      });
    } finally {
      running -= 1;
    }
  });
  return { task, ends };
}

describe('SerialTask', () => {
  it('shares one more run between all calls during a run', async () => {
    const { task, ends } = createSteps();
    const first = task.run();
    const [second, third] = [task.run(), task.run()];
    expect(third).toBe(second);
    ends[0]?.();
    await first;
    await expect.poll(() => ends.length).toBe(2);
    const fourth = task.run();
    expect(fourth).not.toBe(second);
    ends[1]?.();
    await second;
    await expect.poll(() => ends.length).toBe(3);
    ends[2]?.();
    await fourth;
    expect(task.isIdle).toBe(true);
  });

  it('runs again after a failure, which only the callers of that run get', async () => {
    const { task, ends } = createSteps();
    const first = task.run();
    const second = task.run();
    ends[0]?.(new Error('broken'));
    await expect(first).rejects.toThrow('broken');
    await expect.poll(() => ends.length).toBe(2);
    ends[1]?.();
    await second;
  });

  it('waits until nothing runs', async () => {
    const { task, ends } = createSteps();
    const first = task.run();
    const idle = task.idle();
    ends[0]?.(new Error('broken'));
    await expect(first).rejects.toThrow('broken');
    await idle;
    expect(ends).toHaveLength(1);
    await task.idle();
  });
});
