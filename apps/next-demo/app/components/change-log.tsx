'use client';

import { useConfigChanges } from '@smooai/config-next/client';
import type { ReactElement } from 'react';

/** What changed for this visitor since the page was opened, and when. */
export function ChangeLog({ revision }: { revision: string }): ReactElement {
  const changes = useConfigChanges(6);
  return (
    <section className="panel" aria-labelledby="changes-title" data-testid="change-log">
      <div className="panel-head">
        <h2 id="changes-title">What changed</h2>
        <span className="muted small number">page at revision {revision}</span>
      </div>
      {changes.length === 0 ? (
        <p className="empty">Nothing since you opened this page.</p>
      ) : (
        <ol className="lines changes" aria-live="polite">
          {changes.map(({ key, from, to, at, revision: changedIn }) => (
            <li key={`${changedIn}:${key}:${at}`}>
              <time className="muted small number" dateTime={new Date(at).toISOString()}>
                {new Date(at).toLocaleTimeString('en-GB')}
              </time>
              <code>{key}</code>
              <span>
                {describe(from)} → <strong>{describe(to)}</strong>
              </span>
            </li>
          ))}
        </ol>
      )}
    </section>
  );
}

function describe(value: unknown): string {
  if (value === undefined) return 'none';
  return typeof value === 'boolean'
    ? value
      ? 'on'
      : 'off'
    : typeof value === 'string'
      ? value
      : JSON.stringify(value);
}
