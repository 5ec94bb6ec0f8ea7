import { useConfigStatus } from '@smooai/config-react';
import type { ReactElement } from 'react';

/** What is shown until the first answers are there. */
export function Waiting({ apiUrl }: { apiUrl: string }): ReactElement {
  const hasFailed = useConfigStatus() === 'reconnecting';
  if (hasFailed) {
    return (
      <section className="panel problem stack" role="alert">
        <h1>The config server does not answer</h1>
        <p>
          Nothing came from <code>{apiUrl}</code> yet. Is it running, and does the publishable key allow this
          page’s origin, <code>{window.location.origin}</code>?
        </p>
        <p className="muted">It is tried again all the time; this page goes on by itself.</p>
      </section>
    );
  }
  return (
    <section className="stack" aria-busy="true">
      <span className="visually-hidden">Asking the config server…</span>
      <div className="skeleton skeleton-title" />
      <div className="columns">
        <div className="skeleton skeleton-panel" />
        <div className="skeleton skeleton-panel" />
      </div>
    </section>
  );
}
