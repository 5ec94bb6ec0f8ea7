import type { JsonValue, Tier } from '@smooai/config';
import pc from 'picocolors';
import type { CliIo, CliOutput } from './cli-io.ts';

/** What a secret is shown as. */
export const MASK = '********';

/** Functions that colour text, or leave it as it is. */
export type Colors = ReturnType<typeof pc.createColors>;

/** Colours where the output is a terminal, and neither NO_COLOR nor FORCE_COLOR=0 says no; FORCE_COLOR says yes. */
export function colorsFor(output: CliOutput, env: CliIo['env']): Colors {
  const { NO_COLOR, FORCE_COLOR, TERM } = env;
  if (NO_COLOR !== undefined && NO_COLOR !== '') return pc.createColors(false);
  if (FORCE_COLOR !== undefined && FORCE_COLOR !== '') return pc.createColors(FORCE_COLOR !== '0');
  return pc.createColors(output.isTTY === true && TERM !== 'dumb');
}

/** A value as a person reads it: text as it is, anything else as JSON. */
export function valueText(value: JsonValue): string {
  return typeof value === 'string' ? printable(value) : JSON.stringify(value);
}

/** A stored value on one line: a targeted one in words, a long one cut, a secret masked. */
export function shortText(value: JsonValue, tier: Tier, showSecrets: boolean): string {
  if (tier === 'secret' && !showSecrets) return MASK;
  const text = targetedText(value) ?? valueText(value).replace(/\s*\n\s*/g, ' ');
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}

/** Whether a stored value is decided by targeting. */
export function isTargeted(value: JsonValue): value is { $cohort: JsonValue } {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && Object.hasOwn(value, '$cohort')
  );
}

function targetedText(value: JsonValue): string | undefined {
  if (!isTargeted(value)) return undefined;
  const cohort = value.$cohort;
  if (typeof cohort !== 'object' || cohort === null || Array.isArray(cohort)) return undefined;
  const count = Array.isArray(cohort.rules) ? cohort.rules.length : 0;
  const parts = [
    ...(count > 0 ? [`${count} ${count === 1 ? 'rule' : 'rules'}`] : []),
    ...(cohort.rollout === undefined ? [] : ['rollout']),
    `else ${valueText(cohort.defaultValue ?? null)}`,
  ];
  return `targeted: ${parts.join(', ')}`;
}

/** Control characters in a stored value must not drive the terminal. */
function printable(text: string): string {
  return text.replace(/[^\P{Cc}\t\n]/gu, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}

/** Rows in columns, two spaces apart; the last column is not padded. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, index) => {
      widths[index] = Math.max(widths[index] ?? 0, cell.length);
    });
  }
  return rows
    .map((row) =>
      row.map((cell, index) => (index < row.length - 1 ? cell.padEnd(widths[index] ?? 0) : cell)).join('  '),
    )
    .map((line) => line.trimEnd())
    .join('\n');
}

/** Two JSON values are the same, whatever the order of their properties. */
export function sameJson(one: JsonValue | undefined, other: JsonValue | undefined): boolean {
  return canonical(one) === canonical(other);
}

function canonical(value: JsonValue | undefined): string {
  return (
    JSON.stringify(value, (_key, inner: unknown) =>
      typeof inner === 'object' && inner !== null && !Array.isArray(inner)
        ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
        : inner,
    ) ?? 'undefined'
  );
}
