'use client';

import type { AnyConfig } from '@smooai/config';
import { createContext } from 'react';
import type { ConfigHooks } from './config-hooks.ts';
import { type AnyProps, useProvider } from './config-provider.tsx';
import type { ConfigScope, ConfigSession } from './config-session.ts';
import { useRenderedFlag } from './flag.tsx';
import { useScopeChanges } from './use-config-changes.ts';
import { useScopeContext } from './use-config-context.ts';
import { useScopeStatus } from './use-config-status.ts';
import { useEntry } from './use-entry.ts';
import { useEvaluation } from './use-evaluation.ts';
import { useSuspenseValue } from './use-suspense-flag.ts';

/**
 * Creates a provider and hooks for a schema that is not the registered one. They are independent of every other
 * provider. The second type argument is the type of the defaults that the provider must be given.
 *
 * @example
 * export const { ConfigProvider: AdminProvider, useFlag: useAdminFlag } = createHooks<typeof adminConfig>();
 */
export function createHooks<Config extends AnyConfig, Defaults = Record<never, never>>(): ConfigHooks<
  Config,
  Defaults
> {
  const scope: ConfigScope = createContext<ConfigSession | undefined>(undefined);
  const hooks: ConfigHooks = {
    // biome-ignore lint/correctness/noComponentHookFactories: called once per schema, in a module
    ConfigProvider: (props) => useProvider(scope, props as AnyProps),
    // biome-ignore lint/correctness/noComponentHookFactories: called once per schema, in a module
    Flag: (props) => useRenderedFlag(scope, props),
    useFlag: (key: string, fallback?: unknown) =>
      useEntry(scope, ['useFlag', 'flags', key, fallback]) as never,
    useFlagDetails: (key: string, fallback?: unknown) =>
      useEvaluation(scope, ['useFlagDetails', 'flags', key, fallback]) as never,
    useSuspenseFlag: (key) => useSuspenseValue(scope, key) as never,
    usePublic: (key: string, fallback?: unknown) =>
      useEntry(scope, ['usePublic', 'public', key, fallback]) as never,
    useLimit: (key: string, fallback?: unknown) =>
      useEntry(scope, ['useLimit', 'limits', key, fallback]) as never,
    useLimitDetails: (key: string, fallback?: unknown) =>
      useEvaluation(scope, ['useLimitDetails', 'limits', key, fallback]) as never,
    useConfigContext: () => useScopeContext(scope) as never,
    useConfigStatus: () => useScopeStatus(scope),
    useConfigChanges: (limit) => useScopeChanges(scope, limit),
  };
  return hooks as never;
}
