'use client';

import type { ConfigHooks } from './config-hooks.ts';
import { DefaultScope } from './config-session.ts';
import { useDetails, useValue } from './use-entry.ts';

/** {@inheritDoc ConfigHooks.useFlag} */
export const useFlag: ConfigHooks['useFlag'] = (key: string, fallback?: unknown) =>
  useValue(DefaultScope, ['useFlag', 'flags', key], fallback) as never;

/** {@inheritDoc ConfigHooks.useFlagDetails} */
export const useFlagDetails: ConfigHooks['useFlagDetails'] = (key: string, fallback?: unknown) =>
  useDetails(DefaultScope, ['useFlagDetails', 'flags', key], fallback) as never;

/** {@inheritDoc ConfigHooks.usePublic} */
export const usePublic: ConfigHooks['usePublic'] = (key: string, fallback?: unknown) =>
  useValue(DefaultScope, ['usePublic', 'public', key], fallback) as never;

/** {@inheritDoc ConfigHooks.useLimit} */
export const useLimit: ConfigHooks['useLimit'] = (key: string, fallback?: unknown) =>
  useValue(DefaultScope, ['useLimit', 'limits', key], fallback) as never;

/** {@inheritDoc ConfigHooks.useLimitDetails} */
export const useLimitDetails: ConfigHooks['useLimitDetails'] = (key: string, fallback?: unknown) =>
  useDetails(DefaultScope, ['useLimitDetails', 'limits', key], fallback) as never;
