import { useConfigStatus } from '@smooai/config-react';
import type { ReactElement } from 'react';

/** Shown until the first values arrive. */
export function Waiting({ apiUrl }: { apiUrl: string }): ReactElement {
  const { status, refusal } = useConfigStatus();
  if (refusal !== undefined) {
    return (
      <section className="panel problem stack" role="alert">
        <h1>The config server refuses this page</h1>
        <p>
          <code>{apiUrl}</code> says: {refusal.message}
        </p>
        <p className="muted">
          The origin of this page is <code>{window.location.origin}</code>. It continues by itself once this
          is mended.
        </p>
      </section>
    );
  }
  if (status === 'stale' || status === 'offline') {
    return (
      <section className="panel problem stack" role="alert">
        <h1>No response from the config server</h1>
        <p>
          <code>{apiUrl}</code> has not responded yet. Check that it is running.
        </p>
        <p className="muted">This page keeps trying and continues by itself.</p>
      </section>
    );
  }
  return (
    <section className="stack" aria-busy="true">
      <span className="visually-hidden">Loading from the config server…</span>
      <div className="skeleton skeleton-title" />
      <div className="columns">
        <div className="skeleton skeleton-panel" />
        <div className="skeleton skeleton-panel" />
      </div>
    </section>
  );
}
