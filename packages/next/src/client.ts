'use client';

export {
  type ConfigChange,
  type ConfigStatus,
  Flag,
  useConfigChanges,
  useConfigStatus,
  useFlag,
  useFlagDetails,
  useLimit,
  useLimitDetails,
  usePublic,
  useSuspenseFlag,
} from '@smooai/config-react';
export { ConfigProvider, type ConfigProviderProps } from './config-provider.tsx';
export { RefreshOnChange } from './refresh-on-change.tsx';
