'use client';

import {
  isOlderRevision,
  type Snapshot,
  type SnapshotSource,
  type SnapshotStore,
  stableJson,
} from '@smooai/config/browser';
import {
  type ReactElement,
  type ReactNode,
  useEffect,
  useLayoutEffect,
  useRef,
  useState,
  useSyncExternalStore,
} from 'react';
import {
  type ConfigScope,
  type ConfigSession,
  createStaticStore,
  DefaultScope,
  type ReadableStore,
} from './config-session.ts';
import type { ConfigProviderProps } from './config-types.ts';
import { explainRefusal } from './explain-refusal.ts';

/** The longest timeout that browsers know; they take a longer one for none. */
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;
// React 18 warns about a layout effect on the server, where neither kind of effect runs.
const useBeforePaint = typeof document === 'undefined' ? useEffect : useLayoutEffect;

/**
 * Provides values to the hooks below it and applies changes as they arrive.
 *
 * @example
 * const source = createSnapshotSource({ url: '/api/config/stream' });
 * <ConfigProvider snapshot={snapshot} source={source}><App /></ConfigProvider>
 */
export function ConfigProvider(props: ConfigProviderProps): ReactElement {
  return useProvider(DefaultScope, props as AnyProps);
}

/** The props of a provider for any schema. */
export interface AnyProps extends Pick<ConfigProviderProps, 'store' | 'onError' | 'readyTimeoutMs'> {
  snapshot?: Snapshot | undefined;
  source?: SnapshotSource | undefined;
  context?: ConfigSession['context'];
  defaults?: ConfigSession['defaults'] | undefined;
  fallback?: ReactNode;
  children?: ReactNode;
}

/** Renders a provider for the hooks of a scope. */
export function useProvider(Scope: ConfigScope, props: AnyProps): ReactElement {
  const { snapshot, source, context, fallback } = props;
  const contextProp = stableJson(context ?? {});
  const begin = (
    first?: Snapshot,
    store: ReadableStore = source?.createStore(first, context as never) ?? createStaticStore(first),
  ): ConfigSession => ({
    store,
    context,
    contextProp,
    readyTimeoutMs: Math.min(props.readyTimeoutMs ?? 5000, LONGEST_TIMEOUT_MS),
    defaults: props.defaults,
  });
  const [session, change] = useState(() => begin(snapshot, props.store));
  const { store } = session;
  const [, setOver] = useState<ConfigSession>();
  const offered = useRef(store.initial);
  // The values of another context must not be shown, not even once.
  if (session.contextProp !== contextProp) change(begin(source ? undefined : snapshot));
  else if (source && !store.offer) change(begin(snapshot));

  useBeforePaint(() => {
    if (snapshot && offered.current !== snapshot) {
      if (store.offer) store.offer(snapshot);
      else if (!isOlderRevision(snapshot.revision, store.revision ?? '')) change(begin(snapshot));
    }
    offered.current = snapshot;
  });
  useEffect(() => {
    session.source = source;
    session.change = change;
    // `useConfigContext` may have connected already.
    const { disconnect = source?.connect(store as SnapshotStore, session.context as never) } = session;
    session.disconnect = undefined;
    const timer = setTimeout(() => {
      session.isOver = true;
      session.wake?.();
      setOver(session);
    }, session.readyTimeoutMs);
    return () => {
      clearTimeout(timer);
      disconnect?.();
      session.end?.();
    };
  }, [session, store, source]);

  const refusal = useSyncExternalStore(
    store.subscribeStatus,
    () => store.refusal,
    () => undefined,
  );
  // Without dependencies: in StrictMode, and when a hidden provider is shown, it runs again whatever they are.
  useEffect(() => {
    if (!refusal || session.reported === refusal) return;
    session.reported = refusal;
    props.onError?.(refusal);
    // biome-ignore lint/suspicious/noConsole: without it, a page with a wrong key is only seen to load for ever
    if (process.env.NODE_ENV !== 'production') console.error(explainRefusal(refusal));
  });

  const hasValues = useSyncExternalStore(
    store.subscribeAll,
    () => store.revision !== undefined,
    () => store.initial !== undefined,
  );
  if (session.held) throw session.held;
  return (
    <Scope.Provider value={session}>
      {hasValues || session.isOver || fallback === undefined ? props.children : fallback}
    </Scope.Provider>
  );
}
