import { type ConfigChange, useConfigChanges } from '@smooai/config-react';
import { formatValue } from '@smooai-demo/demo-schema/display';
import type { ReactElement } from 'react';

const clock = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });

/** The changes since the page was opened. */
export function ChangeLog(): ReactElement {
  const changes = useConfigChanges(12);
  return (
    <section className="panel" data-testid="change-log" aria-labelledby="changes-title">
      <div className="panel-head">
        <h2 id="changes-title">Changes</h2>
        {changes.length > 0 && <span className="small muted">newest first</span>}
      </div>
      <div aria-live="polite">
        {changes.length === 0 ? (
          <p className="empty">Nothing has changed since you opened this page.</p>
        ) : (
          <ol className="lines">
            {changes.map((change) => (
              <Change key={`${change.at} ${change.key} ${change.revision}`} change={change} />
            ))}
          </ol>
        )}
      </div>
    </section>
  );
}

function Change({ change }: { change: ConfigChange }): ReactElement {
  const { key, from, to, at } = change;
  return (
    <li className="change">
      <div className="row spread">
        <code className="key">{key.slice(key.indexOf('.') + 1)}</code>
        <time className="small muted number" dateTime={new Date(at).toISOString()}>
          {clock.format(at)}
        </time>
      </div>
      <p className="small">
        <span className="muted">{formatValue(from)} →</span> <strong>{formatValue(to)}</strong>
      </p>
    </li>
  );
}
