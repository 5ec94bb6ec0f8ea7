import type { SnapshotStore } from '@smooai/config/browser';
import { type Context, createContext } from 'react';

/** Carries the provider's store to the hooks. */
export const ConfigContext: Context<SnapshotStore | undefined> = createContext<SnapshotStore | undefined>(
  undefined,
);
