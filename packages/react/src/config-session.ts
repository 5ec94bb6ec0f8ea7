import type { EvaluationContext } from '@smooai/config';
import {
  type Snapshot,
  type SnapshotRefusal,
  type SnapshotSource,
  type SnapshotStore,
  snapshotEntry,
} from '@smooai/config/browser';
import { type Context, createContext, useContext } from 'react';

/** What hooks need of a store. Only one that a source fills can change. */
export type ReadableStore = Pick<
  SnapshotStore,
  'entry' | 'initial' | 'revision' | 'subscribe' | 'subscribeAll' | 'subscribeStatus'
> &
  Partial<SnapshotStore>;

/** The values for one context, and what belongs to them. */
export interface ConfigSession {
  readonly store: ReadableStore;
  readonly context: EvaluationContext | undefined;
  readonly defaults: Record<string, Record<string, unknown> | undefined> | undefined;
  readonly readyTimeoutMs: number;
  /** The provider's `context` prop as stable JSON, when the session began. */
  readonly contextProp: string;
  /** The provider's source and the setter of its session, once it is mounted. */
  source?: SnapshotSource | undefined;
  change?: ((session: ConfigSession) => void) | undefined;
  /** Until this session can be shown, while the provider keeps the old tree. It resolves then. */
  held?: Promise<void> | undefined;
  /** Disconnects what `useConfigContext` connected before the session was shown. */
  disconnect?: (() => void) | undefined;
  /** The session that is to replace this one. */
  next?: ConfigSession | undefined;
  /** Called when the provider has left this session: disconnects `next`, if it is not shown. */
  end?: () => void;
  /** The last refusal that the provider reported. */
  reported?: SnapshotRefusal;
  /** Whether the wait for the first values is over. */
  isOver?: boolean;
  /** The wait of `useSuspenseFlag`, and the function that ends it. */
  wait?: Promise<void>;
  wake?: () => void;
}

/** The React context that connects a provider to its hooks. */
export type ConfigScope = Context<ConfigSession | undefined>;

/** The scope of `ConfigProvider` and the hooks of this package. */
export const DefaultScope: ConfigScope = createContext<ConfigSession | undefined>(undefined);

/** Creates the store of a provider without a source. It never changes: another snapshot gets another store. */
export function createStaticStore(snapshot: Snapshot | undefined): ReadableStore {
  const subscribe = () => () => {};
  return {
    initial: snapshot,
    revision: snapshot?.revision,
    subscribe,
    subscribeAll: subscribe,
    subscribeStatus: subscribe,
    entry: (group, key) => snapshotEntry(snapshot, group, key),
  };
}

/**
 * Returns the session of the nearest provider.
 *
 * @param hook - the public hook that was called, for the error message.
 * @throws {Error} outside a provider.
 */
export function useSession(scope: ConfigScope, hook: string): ConfigSession {
  const session = useContext(scope);
  if (!session) throw new Error(`${hook} is outside a ConfigProvider.`);
  return session;
}
