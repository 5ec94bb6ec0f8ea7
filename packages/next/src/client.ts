'use client';

export {
  type ConfigChange,
  useConfigChanges,
  useConfigStatus,
  useFlag,
  useFlagDetails,
  useLimit,
  useLimitDetails,
  usePublic,
} from '@smooai/config-react';
export { ConfigProvider, type ConfigProviderProps } from './config-provider.tsx';
