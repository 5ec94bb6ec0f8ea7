'use client';

import { useConfigChanges, useConfigStatus } from '@smooai/config-next/client';
import { formatValue } from '@smooai-demo/demo-schema/display';
import type { ReactElement } from 'react';

/** The changes for this visitor since the page was opened. */
export function ChangeLog(): ReactElement {
  const changes = useConfigChanges(6);
  const { revision } = useConfigStatus();
  return (
    <section className="panel" aria-labelledby="changes-title" data-testid="change-log">
      <div className="panel-head">
        <h2 id="changes-title">Changes</h2>
        <span className="muted small number">revision {revision ?? '–'}</span>
      </div>
      {changes.length === 0 ? (
        <p className="empty">Nothing has changed since you opened this page.</p>
      ) : (
        <ol className="lines changes" aria-live="polite">
          {changes.map(({ key, from, to, at, revision: changedIn }) => (
            <li key={`${changedIn}:${key}:${at}`}>
              <time className="muted small number" dateTime={new Date(at).toISOString()}>
                {new Date(at).toLocaleTimeString('en-GB')}
              </time>
              <code>{key}</code>
              <span>
                {formatValue(from)} → <strong>{formatValue(to)}</strong>
              </span>
            </li>
          ))}
        </ol>
      )}
    </section>
  );
}
