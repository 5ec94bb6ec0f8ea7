import { describe, expect, it } from 'vitest';
import { SharedFetch } from './shared-fetch.ts';

interface Begun {
  signal: AbortSignal;
  end: () => void;
  fail: (error: Error) => void;
}

function fetches() {
  const begun: Begun[] = [];
  const shared = new SharedFetch(
    (signal) => new Promise((resolve, reject) => begun.push({ signal, end: resolve, fail: reject })),
  );
  return { begun, shared };
}

const staying = new AbortController().signal;
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('SharedFetch', () => {
  it('shares a fetch among the calls before it begins', async () => {
    const { begun, shared } = fetches();
    const calls = [shared.run(staying), shared.run(staying)];
    await settle();
    expect(begun).toHaveLength(1);
    begun[0]?.end();
    await Promise.all(calls);
  });

  it('gives calls during a fetch the next one, also after it has failed', async () => {
    const { begun, shared } = fetches();
    const first = shared.run(staying);
    first.catch(() => undefined);
    await settle();
    const [second, third] = [shared.run(staying), shared.run(staying)];
    await settle();
    expect(begun).toHaveLength(1);
    begun[0]?.fail(new Error('refused'));
    await expect(first).rejects.toThrow('refused');
    await settle();
    expect(begun).toHaveLength(2);
    begun[1]?.end();
    await Promise.all([second, third]);
  });

  it('aborts a fetch only when all its callers have left', async () => {
    const { begun, shared } = fetches();
    const [one, other] = [new AbortController(), new AbortController()];
    const calls = [shared.run(one.signal), shared.run(other.signal)];
    for (const call of calls) call.catch(() => undefined);
    await settle();
    one.abort(new Error('gone'));
    await expect(calls[0]).rejects.toThrow('gone');
    expect(begun[0]?.signal.aborted).toBe(false);
    other.abort(new Error('gone'));
    expect(begun[0]?.signal.aborted).toBe(true);
  });

  it('begins no fetch whose callers have left, and a new one for those who come later', async () => {
    const { begun, shared } = fetches();
    const first = shared.run(staying);
    await settle();
    const leaving = new AbortController();
    const left = shared.run(leaving.signal);
    leaving.abort(new Error('gone'));
    await expect(left).rejects.toThrow('gone');
    const late = shared.run(staying);
    begun[0]?.end();
    await first;
    await settle();
    expect(begun).toHaveLength(2);
    expect(begun[1]?.signal.aborted).toBe(false);
    begun[1]?.end();
    await late;
  });

  it('begins the next fetch although one that all callers have left ignores its signal', async () => {
    const { begun, shared } = fetches();
    const leaving = new AbortController();
    const left = shared.run(leaving.signal);
    await settle();
    const late = shared.run(staying);
    leaving.abort(new Error('gone'));
    await expect(left).rejects.toThrow('gone');
    await settle();
    expect(begun).toHaveLength(2);
    begun[1]?.end();
    await late;
  });

  it('rejects a call whose signal has aborted', async () => {
    const { begun, shared } = fetches();
    await expect(shared.run(AbortSignal.abort(new Error('gone')))).rejects.toThrow('gone');
    await settle();
    expect(begun).toEqual([]);
  });
});
