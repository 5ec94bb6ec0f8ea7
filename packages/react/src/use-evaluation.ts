import { snapshotEntry } from '@smooai/config/browser';
import { useMemo } from 'react';
import { type ConfigScope, useSession } from './config-session.ts';
import { type EntryRequest, useEntry } from './use-entry.ts';

const readEntry = (_: unknown, entry: unknown) => entry;

/** Like {@link useEntry}, with the reason for the value: that of a fallback or default is `default`. */
export function useEvaluation(scope: ConfigScope, [hook, group, key, fallback]: EntryRequest): unknown {
  const { defaults } = useSession(scope, hook);
  const value = fallback === undefined ? snapshotEntry(defaults, group, key) : fallback;
  // The same object in each render: it can be a dependency of an effect.
  const details = useMemo(() => (value === undefined ? undefined : { value, source: 'default' }), [value]);
  return useEntry(scope, [hook, group, key, details, readEntry]);
}
