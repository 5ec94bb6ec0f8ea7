'use client';

import { useFlag } from '@smooai/config-next/client';
import { type ReactElement, useEffect } from 'react';

/** Shows the name of the theme and applies a new theme to the page. The static shell already has the first one. */
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
