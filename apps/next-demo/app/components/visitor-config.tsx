import { defaults } from '@smooai-demo/demo-schema/defaults';
import { type ReactElement, type ReactNode, Suspense } from 'react';
import { ConfigRoot } from '../config.ts';
import { visitor } from '../visitor.ts';

interface VisitorConfigProps {
  /** Part of the static page, until the values of the visitor arrive. */
  fallback: ReactNode;
  children: ReactNode;
}

/** A hole in the static page, with the live values of the visitor. All holes of a page share one stream. */
export function VisitorConfig({ fallback, children }: VisitorConfigProps): ReactElement {
  return (
    <Suspense fallback={fallback}>
      <VisitorRoot>{children}</VisitorRoot>
    </Suspense>
  );
}

async function VisitorRoot({ children }: { children: ReactNode }): Promise<ReactElement> {
  const { country } = await visitor();
  return (
    // The stream reads its context from the cookies. The query makes it reconnect when the country changes.
    <ConfigRoot stream={`/api/config/stream?country=${country}`} defaults={defaults}>
      {children}
    </ConfigRoot>
  );
}
