import type { JsonValue, Tier } from '@smooai/config';
import { shortText } from './value-text.ts';

const MASK = '********';

/** Shows the values of one key; a secret is masked unless `--show-secrets` is given. */
export interface ValueDisplay {
  readonly isMasked: boolean;
  /** Returns a value on one line, or `missing` if there is none. */
  text(value: JsonValue | undefined, missing: string): string;
  /** Returns a value for `--json`, or null if there is none. */
  json(value: JsonValue | undefined): JsonValue;
  /** Properties for `--json`: `masked` if values are masked. */
  readonly jsonFlags: { masked?: true };
}

/** Creates the display for a key of this tier. */
export function valueDisplay(tier: Tier, options: { showSecrets?: boolean | undefined }): ValueDisplay {
  const isMasked = tier === 'secret' && options.showSecrets !== true;
  return {
    isMasked,
    text: (value, missing) => (value === undefined ? missing : isMasked ? MASK : shortText(value)),
    json: (value) => (value === undefined ? null : isMasked ? MASK : value),
    jsonFlags: isMasked ? { masked: true } : {},
  };
}

/** Says in parentheses that a value was inherited or is the default. Empty for a value that the environment stores. */
export function originText(origin: string, fallback: string | undefined): string {
  if (fallback !== undefined) return ` (from its fallback "${fallback}")`;
  return origin === 'default' ? ' (default)' : '';
}
