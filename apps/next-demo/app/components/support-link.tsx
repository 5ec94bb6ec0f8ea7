'use client';

import { usePublic } from '@smooai/config-next/client';
import type { ReactElement } from 'react';

/** Where to write with a question. */
export function SupportLink(): ReactElement {
  const email = usePublic('supportEmail');
  return (
    <p>
      A question?{' '}
      <a href={`mailto:${email}`} data-testid="public-supportEmail" data-value={email}>
        {email}
      </a>
    </p>
  );
}
