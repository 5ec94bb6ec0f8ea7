import { parseJson, stableJson } from '../lib/json.ts';
import { isRecord } from '../lib/record.ts';
import type { SnapshotSource } from './snapshot-source.ts';
import { currentSnapshot } from './snapshot-store.ts';
import { isUpdate } from './snapshot-update.ts';

/** Options of {@link rememberSnapshots}. */
export interface RememberOptions {
  /** The version of the schema or of the app. Values of another version are not used. */
  version: string;
  /** How long values can be used, in milliseconds; default a week. */
  maxAgeMs?: number;
  /** The item of `localStorage`; default `smooai-config`. It holds the values of one context, the last one. */
  item?: string;
}

/** As a literal, which bundlers leave out where it is not used. */
const WEEK_MS = 604_800_000;

/**
 * Lets a page start at once with the values that it had last, from `localStorage`. They are only used for an equal
 * context; the context itself is not stored, but a hash of it. The status is `reconnecting` until the source has the
 * current values. Without `localStorage`, it changes nothing.
 *
 * @example
 * const source = rememberSnapshots(createSnapshotSource(settings), { version: '2026-11' });
 */
export function rememberSnapshots(source: SnapshotSource, options: RememberOptions): SnapshotSource {
  const { version, maxAgeMs = WEEK_MS, item = 'smooai-config' } = options;
  const nameOf: Required<SnapshotSource>['id'] = (context) =>
    source.id?.(context) ?? stableJson(context ?? {});
  const idOf: typeof nameOf = (context) => hash(`${version} ${nameOf(context)} ${stableJson(context ?? {})}`);
  return {
    id: nameOf,
    createStore(snapshot, context) {
      const store = source.createStore(snapshot, context);
      const stored = snapshot ? undefined : parseJson(readItem(item) ?? '');
      if (isRecord(stored) && stored.id === idOf(context) && isUpdate(stored.snapshot, false)) {
        const ageMs = Date.now() - Number(stored.at);
        if (ageMs >= 0 && ageMs < maxAgeMs) {
          store.replace(stored.snapshot);
          store.setStatus('reconnecting');
        }
      }
      return store;
    },
    connect(store, context) {
      const write = (): void => {
        if (store.status !== 'live') return;
        writeItem(
          item,
          JSON.stringify({ id: idOf(context), at: Date.now(), snapshot: currentSnapshot(store) }),
        );
      };
      const stops = [store.subscribeStatus(write), store.subscribeAll(write), source.connect(store, context)];
      return () => {
        for (const stop of stops) stop();
      };
    },
  };
}

function readItem(item: string): string | null | undefined {
  try {
    return globalThis.localStorage?.getItem(item);
  } catch {
    // The browser does not let this page store anything.
    return undefined;
  }
}

function writeItem(item: string, text: string): void {
  try {
    globalThis.localStorage?.setItem(item, text);
  } catch {
    // The storage is full, or not for this page.
  }
}

/** A hash of 64 bits (FNV-1a, with two offsets). It keeps names out of the storage; it is not a secret. */
function hash(text: string): string {
  let [left, right] = [0x811c9dc5, 0x01000193];
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    left = Math.imul(left ^ code, 0x01000193);
    right = Math.imul(right ^ code, 0x85ebca6b);
  }
  return `${(left >>> 0).toString(36)}${(right >>> 0).toString(36)}`;
}
