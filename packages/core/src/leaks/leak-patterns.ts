import { type SecretForm, secretForms } from '../http/secret-forms.ts';
import type { AnyConfig } from '../schema/config-types.ts';
import type { SecretValue } from './secret-values.ts';

/** Text that must not be in a file. */
export interface LeakPattern {
  key: string;
  kind: 'value' | 'name';
  form: SecretForm | 'HTML' | 'hexadecimal' | 'name';
  bytes: Uint8Array;
}

/** The start of a long value is enough to recognize it, and keeps the overlap of two chunks small. */
const LONGEST_PATTERN = 256;

/** The patterns of the given values, each in every form in which a build may write it. */
export function valuePatterns(values: readonly SecretValue[]): LeakPattern[] {
  return values.flatMap(({ key, value }) =>
    [...formsOf(value)].map(([text, form]) => ({ key, kind: 'value' as const, form, bytes: startOf(text) })),
  );
}

/** As code, JSON, and JSON in HTML or in a string write a name; the last two are the property of a minified schema. */
const AROUND_NAMES = [
  ...['"', "'", '`', '\\"', '\\\\\\"', '&quot;', '&#x27;', '%22'].map((quote) => [quote, quote]),
  ['{', ':'],
  [',', ':'],
];

/** The patterns of the names of a schema's secrets. */
export function namePatterns(config: AnyConfig): LeakPattern[] {
  return [...config.keys.values()]
    .filter(({ tier }) => tier === 'secret')
    .flatMap(({ key }) =>
      AROUND_NAMES.map(([before, after]) => ({
        key,
        kind: 'name' as const,
        form: 'name' as const,
        bytes: startOf(`${before}${key}${after}`),
      })),
    );
}

function formsOf(value: string): Map<string, LeakPattern['form']> {
  const forms = new Map<string, LeakPattern['form']>(secretForms(value));
  const add = (text: string, form: LeakPattern['form']): void => {
    if (!forms.has(text)) forms.set(text, form);
  };
  // A payload of server components is JSON in a string of a script.
  const escaped = JSON.stringify(value).slice(1, -1);
  add(JSON.stringify(escaped).slice(1, -1), 'escaped');
  add(escapeHtml(value), 'HTML');
  add(escapeForScript(escaped), 'escaped');
  const bytes = [...new TextEncoder().encode(value)];
  const hex = bytes.map((byte) => byte.toString(16).padStart(2, '0')).join('');
  add(hex, 'hexadecimal');
  add(hex.toUpperCase(), 'hexadecimal');
  for (const [text, form] of [...forms]) if (form === 'URL-encoded') add(lowerEscapes(text), form);
  return forms;
}

/** As React writes text. */
function escapeHtml(text: string): string {
  const entities: Record<string, string> = {
    '"': '&quot;',
    '&': '&amp;',
    "'": '&#x27;',
    '<': '&lt;',
    '>': '&gt;',
  };
  return text.replace(/["&'<>]/g, (character) => entities[character] ?? character);
}

/** As frameworks write JSON into a script element, where `</script>` must not appear. */
function escapeForScript(text: string): string {
  return text.replace(/[<>&]/g, (character) => `\\u00${character.charCodeAt(0).toString(16)}`);
}

function lowerEscapes(text: string): string {
  return text.replace(/%[0-9A-F]{2}/g, (sequence) => sequence.toLowerCase());
}

function startOf(text: string): Uint8Array {
  return new TextEncoder().encode(text).subarray(0, LONGEST_PATTERN);
}
