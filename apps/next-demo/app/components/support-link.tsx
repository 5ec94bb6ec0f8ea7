'use client';

import { usePublic } from '@smooai/config-next/client';
import type { ReactElement } from 'react';

/** The support address. */
export function SupportLink(): ReactElement {
  const email = usePublic('supportEmail');
  return (
    <p>
      Questions?{' '}
      <a href={`mailto:${email}`} data-testid="public-supportEmail" data-value={email}>
        {email}
      </a>
    </p>
  );
}
