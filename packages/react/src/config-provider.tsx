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

/** Props of {@link ConfigProvider}. */
export interface ConfigProviderProps {
  /** The first snapshot, made on the server. A new one is applied unless it is older than the current snapshot. */
  snapshot?: Snapshot | undefined;
  /** Where changes come from. Keep the same object between renders: a different one reconnects. */
  source?: SnapshotSource | undefined;
  /** Your own store, for tests or to share one between React roots. Read on the first render only. */
  store?: SnapshotStore | undefined;
  /** Shown until there is a snapshot. Without it the children are rendered, and hooks return `undefined` until then. */
  fallback?: ReactNode;
  children?: ReactNode;
}

// React 18 warns about a layout effect on the server, where neither kind of effect runs.
const useBeforePaint = typeof document === 'undefined' ? useEffect : useLayoutEffect;

/**
 * Provides the snapshot to the hooks below it and applies changes as they arrive.
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
