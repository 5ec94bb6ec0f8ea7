'use client';

import { type ConfigSnapshot, createSnapshotSource } from '@smooai/config/browser';
import {
  ConfigProvider as StoreProvider,
  type ConfigProviderProps as StoreProviderProps,
} from '@smooai/config-react';
import { type ReactElement, type ReactNode, useMemo } from 'react';

/** Props of {@link ConfigProvider}; a server component can pass all of them. */
export type ConfigProviderProps = Pick<StoreProviderProps, 'defaults'> & {
  /**
   * The values of the server's HTML and the first client render: `await snapshot()` of `createNextConfig`. Without it, hooks
   * return their fallbacks until the stream brings values.
   */
  snapshot?: ConfigSnapshot | undefined;
  /**
   * URL of the snapshot stream's route, such as `/api/config/stream`. Without it nothing changes after the first render.
   * A different URL reconnects: if the context can change without a page load, put the values it depends on into the
   * query, so that the stream is opened again with the new cookies.
   */
  stream?: string | undefined;
  children?: ReactNode;
};

/**
 * Provides the server's snapshot to the hooks below it and applies changes as they arrive.
 *
 * @example
 * <ConfigProvider snapshot={await snapshot()} stream="/api/config/stream">{children}</ConfigProvider>
 */
export function ConfigProvider({ stream, ...props }: ConfigProviderProps): ReactElement {
  const source = useMemo(
    () => (stream === undefined ? undefined : createSnapshotSource({ url: stream })),
    [stream],
  );
  return <StoreProvider {...props} source={source} />;
}
