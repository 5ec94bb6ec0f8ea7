import type { JsonValue } from '@smooai/config';
import { isRecord } from '../json.ts';

const MAX_LENGTH = 60;

/** Formats a value for a reader: text as it is, anything else as JSON. */
export function valueText(value: JsonValue): string {
  return typeof value === 'string' ? escapeControls(value) : JSON.stringify(value);
}

/** Formats a stored value on one line: a summary of a targeted value; a long text is cut. */
export function shortText(value: JsonValue): string {
  const text = targetedText(value) ?? valueText(value).replace(/\s*\n\s*/g, ' ');
  return text.length > MAX_LENGTH ? `${text.slice(0, MAX_LENGTH - 1)}…` : text;
}

/** Whether a stored value has targeting rules. */
export function isTargeted(value: JsonValue): value is { $cohort: JsonValue } {
  return isRecord(value) && Object.hasOwn(value, '$cohort');
}

function targetedText(value: JsonValue): string | undefined {
  if (!isTargeted(value) || !isRecord(value.$cohort)) return undefined;
  const { rules, rollout, defaultValue } = value.$cohort;
  const count = Array.isArray(rules) ? rules.length : 0;
  const parts = [
    ...(count > 0 ? [`${count} ${count === 1 ? 'rule' : 'rules'}`] : []),
    ...(rollout === undefined ? [] : ['rollout']),
    `else ${valueText(defaultValue ?? null)}`,
  ];
  return `targeted: ${parts.join(', ')}`;
}

/** A stored value must not be able to control the terminal. */
function escapeControls(text: string): string {
  return text.replace(/[^\P{Cc}\t\n]/gu, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}
