import { useConfigStatus } from '@smooai/config-react';
import { statusTexts } from '@smooai-demo/demo-schema/display';
import type { ReactElement } from 'react';

/** Shows whether changes reach this page live. */
export function LiveBadge(): ReactElement {
  const { status } = useConfigStatus();
  return (
    <span className="badge" data-testid="live-status" data-value={status} role="status">
      {statusTexts[status]}
    </span>
  );
}
