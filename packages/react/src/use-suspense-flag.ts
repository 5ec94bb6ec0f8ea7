'use client';

import type { ConfigHooks } from './config-hooks.ts';
import { type ConfigScope, DefaultScope, useSession } from './config-session.ts';
import { useEntry } from './use-entry.ts';

/** {@inheritDoc ConfigHooks.useSuspenseFlag} */
export const useSuspenseFlag: ConfigHooks['useSuspenseFlag'] = (key) =>
  useSuspenseValue(DefaultScope, key) as never;

/** Reads a flag of a scope, and suspends until there is a value. */
export function useSuspenseValue(scope: ConfigScope, key: string): unknown {
  const session = useSession(scope, 'useSuspenseFlag');
  const value = useEntry(scope, ['useSuspenseFlag', 'flags', key]);
  const { store } = session;
  if (store.revision === undefined && !session.isOver && typeof document !== 'undefined') {
    session.wait ??= new Promise((resolve) => {
      session.wake = resolve;
      store.subscribeAll(resolve as () => void);
    });
    throw session.wait;
  }
  if (value !== undefined) return value;
  throw new Error(
    `useSuspenseFlag: "${key}" has neither a value nor a default. ${store.refusal?.message || 'Push the schema, or give a default.'}`,
  );
}
