import { describe, expect, it, vi } from 'vitest';
import type { Snapshot } from '../wire.ts';
import { currentSnapshot, type SnapshotChange, SnapshotStore } from './snapshot-store.ts';

const first: Snapshot = {
  revision: '9',
  public: { supportEmail: 'help@example.com', links: { terms: '/terms' } },
  flags: { newCheckout: { value: false, source: 'raw' }, theme: { value: 'light', source: 'raw' } },
  limits: { cartItems: { value: 20, source: 'raw' } },
};
const withRevision = (revision: string, newCheckout: boolean): Snapshot => ({
  ...structuredClone(first),
  revision,
  flags: { ...structuredClone(first.flags), newCheckout: { value: newCheckout, source: 'raw' } },
});

describe('SnapshotStore', () => {
  it('returns the values of each group, and undefined for missing keys', () => {
    const store = new SnapshotStore(first);
    expect(store.value('public', 'supportEmail')).toBe('help@example.com');
    expect(store.value('flags', 'newCheckout')).toBe(false);
    expect(store.value('limits', 'cartItems')).toBe(20);
    expect(store.value('flags', 'toString')).toBeUndefined();
    expect(new SnapshotStore().value('flags', 'newCheckout')).toBeUndefined();
  });

  it('notifies the listeners of the changed key, and no others', () => {
    const store = new SnapshotStore(first);
    const checkout = vi.fn();
    const theme = vi.fn();
    store.subscribe('flags.newCheckout', checkout);
    store.subscribe('flags.theme', theme);
    store.patch({ revision: '10', flags: { newCheckout: { value: true, source: 'rule' } } });
    expect(checkout).toHaveBeenCalledTimes(1);
    expect(theme).not.toHaveBeenCalled();
    expect(store.value('flags', 'newCheckout')).toBe(true);
    expect(currentSnapshot(store)?.revision).toBe('10');
  });

  it('keeps the identity of an equal entry, and of an equal value with another reason', () => {
    const object = { value: { columns: [1, 2] }, source: 'raw' as const };
    const store = new SnapshotStore({ ...first, flags: { layout: object } });
    const listener = vi.fn();
    store.subscribeAll(listener);
    store.replace({ ...structuredClone(first), revision: '10', flags: { layout: structuredClone(object) } });
    expect(currentSnapshot(store)?.flags.layout).toBe(object);
    expect(currentSnapshot(store)?.public.links).toBe(first.public.links);
    expect(currentSnapshot(store)?.revision).toBe('10');
    expect(listener).not.toHaveBeenCalled();

    store.patch({ revision: '11', flags: { layout: { ...structuredClone(object), source: 'rule' } } });
    expect(store.value('flags', 'layout')).toBe(object.value);
    expect(currentSnapshot(store)?.flags.layout?.source).toBe('rule');
    expect(listener).toHaveBeenCalledTimes(1);
  });

  it('reports all changes of an update at once, after they are all readable', () => {
    const store = new SnapshotStore(first);
    const seen: { change: SnapshotChange; limit: unknown; email: unknown }[] = [];
    store.subscribeAll((change) =>
      seen.push({
        change,
        limit: store.value('limits', 'cartItems'),
        email: store.value('public', 'supportEmail'),
      }),
    );
    store.patch({
      revision: '10',
      limits: { cartItems: { value: 50, source: 'raw' } },
      public: { supportEmail: 'new@example.com' },
    });
    expect(seen).toEqual([
      {
        change: {
          revision: '10',
          initial: false,
          at: expect.any(Number),
          keys: ['public.supportEmail', 'limits.cartItems'],
          changes: [
            { key: 'public.supportEmail', from: 'help@example.com', to: 'new@example.com' },
            { key: 'limits.cartItems', from: 20, to: 50 },
          ],
        },
        limit: 50,
        email: 'new@example.com',
      },
    ]);
  });

  it('keeps the last value of a key that a newer snapshot or a patch removes', () => {
    const store = new SnapshotStore(first);
    const listener = vi.fn();
    store.subscribeAll(listener);
    store.patch({ revision: '10', deleted: { flags: ['theme'] } });
    store.replace({ revision: '11', public: {}, flags: {}, limits: {} });
    expect(listener).not.toHaveBeenCalled();
    expect(store.value('flags', 'theme')).toBe('light');
    expect(currentSnapshot(store)).toEqual({ ...first, revision: '11' });
  });

  it('reports the first snapshot even if it is empty, because readers wait for it', () => {
    const store = new SnapshotStore();
    const listener = vi.fn();
    store.subscribeAll(listener);
    store.replace({ revision: '0', public: {}, flags: {}, limits: {} });
    expect(listener).toHaveBeenCalledTimes(1);
    expect(store.revision).toBe('0');
  });

  it('holds keys with the names of the prototype', () => {
    const store = new SnapshotStore();
    const flags = JSON.parse(
      '{"__proto__":{"value":1,"source":"raw"},"constructor":{"value":2,"source":"raw"}}',
    );
    store.replace({ revision: '1', public: {}, flags, limits: {} });
    expect([store.value('flags', '__proto__'), store.value('flags', 'constructor')]).toEqual([1, 2]);
    expect(store.value('flags', 'toString')).toBeUndefined();
    expect(Object.keys(currentSnapshot(store)?.flags ?? {})).toEqual(['__proto__', 'constructor']);
  });

  it('reads and compares only the keys of a patch', () => {
    let reads = 0;
    const counted = new Proxy({ source: 'raw', value: 0 } as const, {
      get: (target, name) => {
        reads += 1;
        return Reflect.get(target, name);
      },
    });
    const keys = Array.from({ length: 5000 }, (_, index) => `flag${index}`);
    const store = new SnapshotStore({
      ...first,
      flags: Object.fromEntries(keys.map((key) => [key, counted])),
    });
    store.patch({ revision: '10', flags: { flag7: { value: 1, source: 'raw' } } });
    expect(store.value('flags', 'flag7')).toBe(1);
    expect(reads).toBeLessThan(10);
  });

  it('has the reason while the server refuses, and notifies when it changes', () => {
    const store = new SnapshotStore(first, 'connecting');
    const listener = vi.fn();
    store.subscribeStatus(listener);
    store.setStatus('refused', { status: 401, message: 'The key is wrong.' });
    store.setStatus('refused', { status: 401, message: 'The key is wrong.' });
    expect(listener).toHaveBeenCalledTimes(1);
    store.setStatus('refused', { status: 403, message: 'Another reason.' });
    expect([store.status, store.refusal]).toEqual(['refused', { status: 403, message: 'Another reason.' }]);
    store.setStatus('live');
    expect(listener).toHaveBeenCalledTimes(3);
    expect(store.refusal).toBeUndefined();
  });

  it('marks the first snapshot of an empty store as initial', () => {
    const store = new SnapshotStore();
    const initial: boolean[] = [];
    store.subscribeAll((change) => initial.push(change.initial));
    store.replace(first);
    store.replace(withRevision('10', true));
    expect(initial).toEqual([true, false]);
  });

  it('ignores older patches and offers, comparing revisions as numbers of any length', () => {
    const store = new SnapshotStore(withRevision('10', true));
    store.patch({ revision: '9', flags: { newCheckout: { value: false, source: 'raw' } } });
    store.offer(withRevision('9', false));
    expect(store.value('flags', 'newCheckout')).toBe(true);
    store.offer(withRevision('90071992547409931', false));
    expect(store.value('flags', 'newCheckout')).toBe(false);
    store.offer(withRevision('90071992547409930', true));
    expect(store.value('flags', 'newCheckout')).toBe(false);
  });

  it('accepts an offer of the same revision, which may be for another context', () => {
    const store = new SnapshotStore(withRevision('10', false));
    store.offer(withRevision('10', true));
    expect(store.value('flags', 'newCheckout')).toBe(true);
  });

  it('can be replaced by a lower revision of another server history', () => {
    const store = new SnapshotStore(withRevision('10', false));
    store.replace(withRevision('2', true));
    expect(store.value('flags', 'newCheckout')).toBe(true);
    store.patch({ revision: '3', flags: { newCheckout: { value: false, source: 'raw' } } });
    expect(store.value('flags', 'newCheckout')).toBe(false);
  });

  it('ignores a patch before the first snapshot', () => {
    const store = new SnapshotStore();
    store.patch({ revision: '10', public: { supportEmail: 'a@example.com' } });
    expect(currentSnapshot(store)).toBeUndefined();
  });

  it('ends each subscription on its own, even if one listener is subscribed twice', () => {
    const store = new SnapshotStore(first);
    const listener = vi.fn();
    const stop = store.subscribe('flags.newCheckout', listener);
    store.subscribe('flags.newCheckout', listener);
    stop();
    stop();
    store.replace(withRevision('10', true));
    expect(listener).toHaveBeenCalledTimes(1);
  });

  it('allows a listener to unsubscribe another during a notification', () => {
    const store = new SnapshotStore(first);
    const late = vi.fn();
    store.subscribe('flags.newCheckout', () => stop());
    const stop = store.subscribe('flags.newCheckout', late);
    store.replace(withRevision('10', true));
    store.replace(withRevision('11', false));
    expect(late.mock.calls.length).toBeLessThanOrEqual(1);
  });

  it('calls the other listeners if one throws, and reports the error as uncaught', async () => {
    const store = new SnapshotStore(first);
    const thrown: unknown[] = [];
    const listeners = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    process.once('uncaughtException', (error) => thrown.push(error));
    try {
      const other = vi.fn();
      store.subscribe('flags.newCheckout', () => {
        throw new Error('a listener failed');
      });
      store.subscribe('flags.newCheckout', other);
      store.replace(withRevision('10', true));
      expect(other).toHaveBeenCalledTimes(1);
      await expect.poll(() => thrown).toEqual([new Error('a listener failed')]);
    } finally {
      process.removeAllListeners('uncaughtException');
      for (const listener of listeners) process.on('uncaughtException', listener);
    }
  });

  it('notifies of the status only when it changes', () => {
    const store = new SnapshotStore(first, 'connecting');
    const listener = vi.fn();
    const stop = store.subscribeStatus(listener);
    store.setStatus('connecting');
    store.setStatus('live');
    expect(listener).toHaveBeenCalledTimes(1);
    expect(store.status).toBe('live');
    expect(store.initialStatus).toBe('connecting');
    stop();
    store.setStatus('offline');
    expect(listener).toHaveBeenCalledTimes(1);
  });
});

it('a listener that subscribes during a change is called for the next one, not for this one', () => {
  const store = new SnapshotStore();
  const late = vi.fn();
  store.subscribeAll(() => {
    if (late.mock.calls.length === 0) store.subscribeAll(late);
  });
  const snapshot = (revision: string) => ({ revision, public: { a: revision }, flags: {}, limits: {} });
  store.replace(snapshot('1'));
  expect(late).not.toHaveBeenCalled();
  store.replace(snapshot('2'));
  expect(late).toHaveBeenCalledTimes(1);
});
