'use client';

import { useFlag } from '@smooai/config-next/client';
import { type ReactElement, useEffect } from 'react';

/** Names the theme, and puts it on the page when it changes; the server's HTML has the first one. */
export function ThemeName(): ReactElement {
  const theme = useFlag('theme');
  useEffect(() => {
    document.documentElement.dataset.theme = theme;
  }, [theme]);
  return (
    <p data-testid="flag-theme" data-value={theme}>
      {theme === 'dark' ? 'Dark' : 'Light'} theme
    </p>
  );
}
