'use client';

import { createSnapshotSource, type Snapshot } from '@smooai/config/browser';
import { ConfigProvider as StoreProvider } from '@smooai/config-react';
import { type ReactElement, type ReactNode, useMemo } from 'react';

/** What {@link ConfigProvider} takes; all of it can be passed by a server component. */
export interface ConfigProviderProps {
  /** `await snapshot()` of `createNextConfig`: in the server's HTML and the first client render. */
  snapshot: Snapshot;
  /**
   * URL of the snapshot stream's route, such as `/api/config/stream`; without it nothing changes after the first
   * render. Another URL reconnects: where the context can change without a page load, put what it depends on in the
   * query, so that the stream is opened again with the new cookies.
   */
  stream?: string | undefined;
  children?: ReactNode;
}

/**
 * Gives the hooks below it the server's snapshot for hydration, and keeps it live.
 *
 * @example
 * <ConfigProvider snapshot={await snapshot()} stream="/api/config/stream">{children}</ConfigProvider>
 */
export function ConfigProvider({ snapshot, stream, children }: ConfigProviderProps): ReactElement {
  const source = useMemo(
    () => (stream === undefined ? undefined : createSnapshotSource({ url: stream })),
    [stream],
  );
  return (
    <StoreProvider snapshot={snapshot} source={source}>
      {children}
    </StoreProvider>
  );
}
