import { describe, expect, it, vi } from 'vitest';
import { SharedWait } from './shared-wait.ts';

const aborted = (): Error => new Error('left');

describe('callers of shared work', () => {
  it('are counted once each, also one that leaves before the work is done', async () => {
    const onEmpty = vi.fn();
    const callers = new SharedWait(onEmpty);
    let finish: (value: string) => void = () => undefined;
    const work = new Promise<string>((resolve) => {
      finish = resolve;
    });
    const leaving = new AbortController();
    const first = callers.join(work, { signal: leaving.signal, aborted }).catch((error: Error) => error);
    const second = callers.join(work, { aborted });
    leaving.abort();
    expect(await first).toMatchObject({ message: 'left' });
    expect([callers.isEmpty, onEmpty.mock.calls.length]).toEqual([false, 0]);
    finish('done');
    expect(await second).toBe('done');
    expect(callers.isEmpty).toBe(true);
    expect(onEmpty).toHaveBeenCalledTimes(1);
  });

  it('leave at once if their signal has aborted already', async () => {
    const onEmpty = vi.fn();
    const callers = new SharedWait(onEmpty);
    const never = new Promise<string>(() => undefined);
    const joined = callers.join(never, { signal: AbortSignal.abort(), aborted });
    expect([callers.isEmpty, onEmpty.mock.calls.length]).toEqual([true, 1]);
    await expect(joined).rejects.toThrow('left');
  });
});
