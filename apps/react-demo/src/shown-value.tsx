import { type ReactElement, useState } from 'react';

/** A value as people read it: on and off for booleans. */
export function formatValue(value: unknown): string {
  if (typeof value === 'boolean') return value ? 'On' : 'Off';
  if (value === undefined) return 'none';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** A value that lights up when it changes. */
export function ShownValue({ testId, value }: { testId: string; value: unknown }): ReactElement {
  const text = formatValue(value);
  const [shown, setShown] = useState({ text, changes: 0 });
  if (shown.text !== text) setShown({ text, changes: shown.changes + 1 });
  const kind = value === true ? 'badge good' : value === false ? 'badge' : 'plain';
  return (
    <span className="value" data-testid={testId} data-value={String(value)}>
      {/* Another key starts the animation anew. */}
      <span key={shown.changes} className={shown.changes > 0 ? `${kind} flash` : kind}>
        {text}
      </span>
    </span>
  );
}
