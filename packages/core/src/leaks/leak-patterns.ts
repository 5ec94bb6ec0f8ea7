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
  const json = JSON.stringify(value).slice(1, -1);
  // A payload of server components is JSON in a string of a script.
  for (const text of [json, JSON.stringify(json).slice(1, -1)]) {
    add(text, 'escaped');
    add(escapeForScript(text), 'escaped');
  }
  for (const text of literalsOf(value, json)) add(text, 'escaped');
  for (const special of HTML_SPECIAL) {
    const html = escapeHtml(value, special);
    add(html, 'HTML');
    add(html.replaceAll('&#x27;', '&#39;'), 'HTML');
  }
  const bytes = [...new TextEncoder().encode(value)];
  const hex = bytes.map((byte) => byte.toString(16).padStart(2, '0')).join('');
  add(hex, 'hexadecimal');
  add(hex.toUpperCase(), 'hexadecimal');
  for (const [text, form] of [...forms]) if (form === 'URL-encoded') add(lowerEscapes(text), form);
  return forms;
}

/** As minifiers write strings of code: with the other two quotes, and in ASCII only. */
function literalsOf(value: string, json: string): string[] {
  const singleQuoted = json.replaceAll('\\"', '"').replaceAll("'", "\\'");
  const template = value.replace(/[\\`]|\$\{/g, '\\$&').replaceAll('\r', '\\r');
  return [json, singleQuoted, template].flatMap((text) => [text, toAsciiJson(text), toAsciiCode(text)]);
}

/** As many encoders of JSON write it. */
function toAsciiJson(text: string): string {
  return text.replace(/[^\0-\x7f]/g, (unit) => `\\u${hexOf(unit.charCodeAt(0)).padStart(4, '0')}`);
}

/** As esbuild writes it. */
function toAsciiCode(text: string): string {
  return text.replace(/[^\0-\x7f]/gu, (character) => {
    const hex = hexOf(character.codePointAt(0) ?? 0).toUpperCase();
    if (hex.length <= 2) return `\\x${hex}`;
    return hex.length <= 4 ? `\\u${hex.padStart(4, '0')}` : `\\u{${hex}}`;
  });
}

function hexOf(code: number): string {
  return code.toString(16);
}

/** What frameworks escape: React and Vue everything, others less in text than in attributes. */
const HTML_SPECIAL = [/["&'<>]/g, /["&<]/g, /[&<>]/g, /[&<]/g];
const ENTITIES: Readonly<Record<string, string>> = {
  '"': '&quot;',
  '&': '&amp;',
  "'": '&#x27;',
  '<': '&lt;',
  '>': '&gt;',
};

function escapeHtml(text: string, special: RegExp): string {
  return text.replace(special, (character) => ENTITIES[character] ?? character);
}

/** As frameworks write JSON into a script element, where `</script>` must not appear. */
function escapeForScript(text: string): string {
  return text.replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${hexOf(character.charCodeAt(0)).padStart(4, '0')}`,
  );
}

function lowerEscapes(text: string): string {
  return text.replace(/%[0-9A-F]{2}/g, (sequence) => sequence.toLowerCase());
}

function startOf(text: string): Uint8Array {
  return new TextEncoder().encode(text).subarray(0, LONGEST_PATTERN);
}
