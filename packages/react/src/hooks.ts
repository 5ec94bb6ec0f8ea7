'use client';

import type { ConfigHooks } from './config-hooks.ts';
import { DefaultScope } from './config-session.ts';
import { useEntry } from './use-entry.ts';
import { useEvaluation } from './use-evaluation.ts';

/** {@inheritDoc ConfigHooks.useFlag} */
export const useFlag: ConfigHooks['useFlag'] = (key: string, fallback?: unknown) =>
  useEntry(DefaultScope, ['useFlag', 'flags', key, fallback]) as never;

/** {@inheritDoc ConfigHooks.useFlagDetails} */
export const useFlagDetails: ConfigHooks['useFlagDetails'] = (key: string, fallback?: unknown) =>
  useEvaluation(DefaultScope, ['useFlagDetails', 'flags', key, fallback]) as never;

/** {@inheritDoc ConfigHooks.usePublic} */
export const usePublic: ConfigHooks['usePublic'] = (key: string, fallback?: unknown) =>
  useEntry(DefaultScope, ['usePublic', 'public', key, fallback]) as never;

/** {@inheritDoc ConfigHooks.useLimit} */
export const useLimit: ConfigHooks['useLimit'] = (key: string, fallback?: unknown) =>
  useEntry(DefaultScope, ['useLimit', 'limits', key, fallback]) as never;

/** {@inheritDoc ConfigHooks.useLimitDetails} */
export const useLimitDetails: ConfigHooks['useLimitDetails'] = (key: string, fallback?: unknown) =>
  useEvaluation(DefaultScope, ['useLimitDetails', 'limits', key, fallback]) as never;
