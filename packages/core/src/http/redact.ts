import { binaryOf } from './base64.ts';

const LONGEST = 500;
/** Of a text, and of each secret in it. */
const LONGEST_READ = 20_000;
/** So many characters are enough to know a longer form by: servers cut short what they say back. */
const TELLING = 16;

/**
 * Makes texts of someone else's (a server, a network library) fit for an error: every form of `secrets` (plain,
 * URL-encoded, base64) is replaced, and so is what begins like one; control characters become spaces, and the rest is
 * cut at 500 characters.
 */
export function createRedactor(secrets: readonly string[]): (text: string) => string {
  const forms = new Set(secrets.flatMap(formsOf).map(fold));
  return (text) => {
    const clean = hide(text.slice(0, LONGEST_READ), forms)
      .replace(/\p{Cc}+/gu, ' ')
      .trim();
    return clean.length > LONGEST ? `${clean.slice(0, LONGEST)}…` : clean;
  };
}

/** {@link createRedactor} for one text. */
export function redact(text: string, secrets: readonly string[]): string {
  return createRedactor(secrets)(text);
}

/** No regular expression: engines refuse one of many or long secrets, and repeat it in the error. */
function hide(text: string, forms: Iterable<string>): string {
  const folded = fold(text);
  const isHidden = new Uint8Array(text.length);
  for (const form of forms) {
    const start = form.slice(0, TELLING);
    for (let at = folded.indexOf(start); at !== -1; ) {
      let end = at + start.length;
      while (end - at < form.length && folded[end] === form[end - at]) end += 1;
      isHidden.fill(1, at, end);
      // Forms may overlap, also with themselves.
      at = folded.indexOf(start, end - start.length + 1);
    }
  }
  let clean = '';
  for (let at = 0; at < text.length; at++) {
    if (isHidden[at] === 0) clean += text[at];
    else if (at === 0 || isHidden[at - 1] === 0) clean += '[redacted]';
  }
  return clean;
}

/** Of the same length; the digits of a percent escape may be written either way. */
function fold(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

function formsOf(secret: string): string[] {
  if (secret === '') return [];
  const text = secret.slice(0, LONGEST_READ);
  const asForm = new URLSearchParams({ s: text }).toString().slice(2);
  return [text, JSON.stringify(text).slice(1, -1), urlEncode(text), asForm, ...base64Forms(text)];
}

function urlEncode(secret: string): string {
  // A lone surrogate has no URL-encoded form; encoding to bytes replaces it.
  return encodeURIComponent(new TextDecoder().decode(new TextEncoder().encode(secret)));
}

/** Base64 of the secret wherever it lies in an encoded text: each of the three ways its bytes may be aligned. */
function base64Forms(secret: string): string[] {
  const bytes = binaryOf(secret);
  const forms: string[] = [];
  for (let offset = 0; offset < 3; offset++) {
    const binary = '\0'.repeat(offset) + bytes;
    const first = Math.ceil((offset * 8) / 6);
    const last = Math.floor((binary.length * 8) / 6);
    const core = btoa(binary).slice(first, last);
    // A shorter core could stand in any text.
    if (core.length >= 6) forms.push(core, core.replaceAll('+', '-').replaceAll('/', '_'));
  }
  return forms;
}
