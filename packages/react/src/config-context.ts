import type { SnapshotStore } from '@smooai/config/browser';
import { type Context, createContext, useContext } from 'react';

/** The store of the nearest provider. */
export const ConfigContext: Context<SnapshotStore | undefined> = createContext<SnapshotStore | undefined>(
  undefined,
);

/** The store of the nearest provider; `hook` names the caller in the error. */
export function useStore(hook: string): SnapshotStore {
  const store = useContext(ConfigContext);
  if (store === undefined)
    throw new Error(`${hook}: there is no <ConfigProvider> above this component. Add one.`);
  return store;
}
