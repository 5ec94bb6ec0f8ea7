import { type ConfigScope, useSession } from './config-session.ts';
import { type EntryRequest, useEntry } from './use-entry.ts';

/** Like {@link useEntry}, with the reason for the value: that of a fallback or default is `default`. */
export function useEvaluation(scope: ConfigScope, request: EntryRequest, fallback: unknown): unknown {
  const [hook, group, key] = request;
  const { defaults } = useSession(scope, hook);
  const value = fallback === undefined ? defaults[group]?.[key] : fallback;
  return useEntry(scope, request, {
    fallback: value === undefined ? undefined : { value, source: 'default' },
    read: (_, entry) => entry,
  });
}
