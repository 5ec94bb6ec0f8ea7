'use client';

export { ConfigProvider, type ConfigProviderProps } from './config-provider.tsx';
export { type ConfigChange, useConfigChanges } from './use-config-changes.ts';
export { useConfigStatus } from './use-config-status.ts';
export { useFlag } from './use-flag.ts';
export { useFlagDetails } from './use-flag-details.ts';
export { useLimit } from './use-limit.ts';
export { useLimitDetails } from './use-limit-details.ts';
export { usePublic } from './use-public.ts';
