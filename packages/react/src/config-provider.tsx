'use client';

import { type Snapshot, type SnapshotSource, SnapshotStore } from '@smooai/config/browser';
import {
  type ReactElement,
  type ReactNode,
  useEffect,
  useLayoutEffect,
  useState,
  useSyncExternalStore,
} from 'react';
import { ConfigContext } from './config-context.ts';

/** What {@link ConfigProvider} takes. */
export interface ConfigProviderProps {
  /** The first snapshot, made on the server; a later one is taken unless it is older than what is at hand. */
  snapshot?: Snapshot | undefined;
  /** Where changes come from; keep it the same object between renders, since another one reconnects. */
  source?: SnapshotSource | undefined;
  /** A store of your own, for tests or to share one between React roots; read at the first render only. */
  store?: SnapshotStore | undefined;
  /** What to show while there is no snapshot yet. Without it the children are rendered, and hooks answer `undefined`. */
  fallback?: ReactNode;
  children?: ReactNode;
}

// React 18 warns of a layout effect on the server, where neither kind runs.
const useBeforePaint = typeof document === 'undefined' ? useEffect : useLayoutEffect;

/**
 * Gives the hooks below it their snapshot, and keeps it live.
 *
 * @example
 * const source = createSnapshotSource({ url: '/api/config/stream' });
 * <ConfigProvider snapshot={snapshot} source={source}><App /></ConfigProvider>
 */
export function ConfigProvider(props: ConfigProviderProps): ReactElement {
  const { snapshot, source, fallback, children } = props;
  const [store] = useState(
    () => props.store ?? new SnapshotStore(snapshot, source === undefined ? 'offline' : 'connecting'),
  );
  useBeforePaint(() => {
    if (snapshot !== undefined) store.offer(snapshot);
  }, [store, snapshot]);
  useEffect(() => source?.connect(store), [store, source]);
  const isReady = useSyncExternalStore(
    store.subscribeAll,
    () => store.snapshot !== undefined,
    () => store.initial !== undefined,
  );
  return (
    <ConfigContext.Provider value={store}>
      {isReady || fallback === undefined ? children : fallback}
    </ConfigContext.Provider>
  );
}
