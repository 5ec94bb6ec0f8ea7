import type { SnapshotStore } from '@smooai/config/browser';
import { useContext } from 'react';
import { ConfigContext } from './config-context.ts';

/**
 * Returns the store of the nearest provider.
 *
 * @param hook - the public hook that was called, for the error message.
 * @throws {Error} outside a `ConfigProvider`.
 */
export function useConfigStore(hook: string): SnapshotStore {
  const store = useContext(ConfigContext);
  if (!store) throw new Error(`${hook} is outside a ConfigProvider.`);
  return store;
}
