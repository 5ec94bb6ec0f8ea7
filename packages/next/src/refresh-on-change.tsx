'use client';

import { useConfigChanges } from '@smooai/config-react';
import { useRouter } from 'next/navigation';
import { useEffect } from 'react';

/**
 * Renders nothing. When a value of this visitor changes, it refreshes the server components of the page, so that they
 * follow too. Several changes of one revision are one refresh.
 *
 * @example
 * <ConfigRoot stream="/api/config/stream"><RefreshOnChange />{children}</ConfigRoot>
 */
export function RefreshOnChange(): null {
  const router = useRouter();
  const revision = useConfigChanges(1)[0]?.revision;
  useEffect(() => {
    if (revision !== undefined) router.refresh();
  }, [revision, router]);
  return null;
}
