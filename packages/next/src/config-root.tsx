import { isConfigError, type Snapshot } from '@smooai/config';
import type { ConfigProviderProps } from '@smooai/config-next/client';
import { type ReactElement, type ReactNode, Suspense } from 'react';
import { warnOnce } from './report-once.ts';

/** Props of `ConfigRoot`. */
export type ConfigRootProps = Omit<ConfigProviderProps, 'snapshot'> & {
  /** Shown until the values of the visitor are there. It is part of the static page. */
  fallback?: ReactNode;
};

type GetSnapshot = () => Promise<Snapshot>;

/** Renders `ConfigRoot` for one configuration. */
export function renderConfigRoot(
  getSnapshot: GetSnapshot,
  { fallback, ...props }: ConfigRootProps,
): ReactElement {
  return (
    <Suspense fallback={fallback}>
      <SnapshotProvider getSnapshot={getSnapshot} {...props} />
    </Suspense>
  );
}

async function SnapshotProvider({
  getSnapshot,
  ...props
}: Omit<ConfigRootProps, 'fallback'> & { getSnapshot: GetSnapshot }): Promise<ReactElement> {
  const snapshot = (await availableSnapshot(getSnapshot)) as ConfigProviderProps['snapshot'];
  // Loaded when it is rendered: tests of server functions have no client components, and their React has no contexts.
  const { ConfigProvider } = await import('@smooai/config-next/client');
  return <ConfigProvider {...props} snapshot={snapshot} />;
}

/** Resolves with undefined without configuration: the hooks then return their fallbacks, and the page stays up. */
async function availableSnapshot(getSnapshot: GetSnapshot): Promise<Snapshot | undefined> {
  try {
    return await getSnapshot();
  } catch (error) {
    // Next uses exceptions too, which must pass through.
    if (!isConfigError(error)) throw error;
    warnOnce('ConfigRoot has no values yet.', error);
    return undefined;
  }
}
