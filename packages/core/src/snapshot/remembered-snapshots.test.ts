import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Snapshot } from '../wire.ts';
import { rememberSnapshots } from './remembered-snapshots.ts';
import type { SnapshotSource } from './snapshot-source.ts';
import { SnapshotStore } from './snapshot-store.ts';

const snapshot = (theme: string, revision = '1'): Snapshot => ({
  revision,
  public: {},
  flags: { theme: { value: theme, source: 'raw' } },
  limits: {},
});
const ann = { userId: 'ann', place: { a: 1, b: 2 } };
const annAgain = { place: { b: 2, a: 1 }, userId: 'ann' };

/** A source that is live with `theme` as soon as it is connected. */
const live = (theme: string, id?: string): SnapshotSource => ({
  ...(id !== undefined && { id: () => id }),
  createStore: (first) => new SnapshotStore(first, 'connecting'),
  connect(store) {
    store.replace(snapshot(theme, '2'));
    store.setStatus('live');
    return () => {
      store.setStatus('offline');
    };
  },
});

describe('rememberSnapshots', () => {
  const items = new Map<string, string>();
  beforeEach(() => {
    items.clear();
    vi.stubGlobal('localStorage', {
      getItem: (name: string) => items.get(name) ?? null,
      setItem: (name: string, text: string) => items.set(name, text),
    });
  });
  afterEach(() => {
    vi.unstubAllGlobals();
    vi.useRealTimers();
  });

  const remembered = (source = live('dark'), options = {}) =>
    rememberSnapshots(source, { version: '1', ...options });
  const visit = (): void => {
    const source = remembered();
    source.connect(source.createStore(undefined, ann), ann)();
  };

  it('starts with the values that the page had last, as ones that may be old', () => {
    visit();
    const source = remembered(live('light'));
    const store = source.createStore(undefined, annAgain);
    expect([store.value('flags', 'theme'), store.status, store.initial]).toEqual([
      'dark',
      'reconnecting',
      undefined,
    ]);
    source.connect(store, annAgain);
    expect([store.value('flags', 'theme'), store.status]).toEqual(['light', 'live']);
    store.patch(snapshot('blue', '3'));
    expect(remembered().createStore(undefined, ann).value('flags', 'theme')).toBe('blue');
  });

  it('uses them for no other context, version, source or time, and not before a snapshot of the server', () => {
    vi.useFakeTimers({ now: 1_000_000 });
    visit();
    const themeOf = (source: SnapshotSource, context: Record<string, unknown> = ann, first?: Snapshot) =>
      source.createStore(first, context).value('flags', 'theme');
    expect(themeOf(remembered())).toBe('dark');
    expect(themeOf(remembered(), { ...ann, userId: 'bob' })).toBeUndefined();
    expect(themeOf(remembered(live('dark'), { version: '2' }))).toBeUndefined();
    expect(themeOf(remembered(live('dark'), { item: 'other' }))).toBeUndefined();
    expect(themeOf(remembered(live('dark', 'other server')))).toBeUndefined();
    expect(themeOf(remembered(), ann, snapshot('light'))).toBe('light');
    vi.setSystemTime(1_000_000 + 7 * 86_400_000);
    expect(themeOf(remembered())).toBeUndefined();
    vi.setSystemTime(999_999);
    expect(themeOf(remembered())).toBeUndefined();
  });

  it('stores no context, and keeps one item', () => {
    visit();
    expect([...items.keys()]).toEqual(['smooai-config']);
    expect([...items.values()].join()).not.toContain('ann');
  });

  it.each(['', 'null', '{}', '{"id":1}', 'x'])('ignores %j in the storage', (text) => {
    visit();
    const { id, at } = JSON.parse(items.get('smooai-config') ?? '');
    for (const broken of [text, JSON.stringify({ id, at, snapshot: text })]) {
      items.set('smooai-config', broken);
      expect(remembered().createStore(undefined, ann).revision).toBeUndefined();
    }
  });

  it('works without a storage, and with one that refuses', () => {
    const refuse = (): never => {
      throw new Error('QuotaExceededError');
    };
    for (const storage of [undefined, { getItem: refuse, setItem: refuse }]) {
      vi.stubGlobal('localStorage', storage);
      const source = remembered();
      const store = source.createStore(undefined, ann);
      source.connect(store, ann);
      expect(store.value('flags', 'theme')).toBe('dark');
    }
  });
});
