import { formatValue } from '@smooai-demo/demo-schema/display';
import { type ReactElement, useState } from 'react';

/** A value, highlighted for a moment when it changes. */
export function ShownValue({ testId, value }: { testId: string; value: unknown }): ReactElement {
  const text = formatValue(value);
  const [shown, setShown] = useState({ text, changes: 0 });
  if (shown.text !== text) setShown({ text, changes: shown.changes + 1 });
  const kind = value === true ? 'badge good' : value === false ? 'badge' : 'plain';
  return (
    <span className="value" data-testid={testId} data-value={String(value)}>
      {/* A new key restarts the animation. */}
      <span key={shown.changes} className={shown.changes > 0 ? `${kind} flash` : kind}>
        {text}
      </span>
    </span>
  );
}
