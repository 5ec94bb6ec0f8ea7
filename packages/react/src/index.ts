'use client';

export type { ConfigHooks, FlagProps, SetContextOptions } from './config-hooks.ts';
export { ConfigProvider } from './config-provider.tsx';
export type { ConfigProviderProps } from './config-types.ts';
export { createHooks } from './create-hooks.ts';
export { Flag } from './flag.tsx';
export { useFlag, useFlagDetails, useLimit, useLimitDetails, usePublic } from './hooks.ts';
export { type ConfigChange, useConfigChanges } from './use-config-changes.ts';
export { useConfigContext } from './use-config-context.ts';
export { type ConfigStatus, useConfigStatus } from './use-config-status.ts';
export { useSuspenseFlag } from './use-suspense-flag.ts';
