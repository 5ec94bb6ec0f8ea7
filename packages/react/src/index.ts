'use client';

export { ConfigProvider, type ConfigProviderProps } from './config-provider.tsx';
export { type ConfigChange, useConfigChanges } from './use-config-changes.ts';
export { useConfigStatus } from './use-config-status.ts';
export { useFlagDetails, useLimitDetails } from './use-details.ts';
export { useFlag } from './use-flag.ts';
export { useLimit } from './use-limit.ts';
export { usePublic } from './use-public.ts';
