import type { ReactElement, ReactNode } from 'react';

/** The layout of both apps. */
export function Layout({ children }: { children: ReactNode }): ReactElement {
  return (
    <html lang="en">
      <body>
        <h1>Static heading</h1>
        {children}
      </body>
    </html>
  );
}
