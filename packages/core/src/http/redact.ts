import { secretForms } from './secret-forms.ts';

/** Longest text that is returned; the rest is cut. */
const MAX_LENGTH = 500;
/** How much of a text, and of each secret, is searched. */
const MAX_SEARCHED_LENGTH = 20_000;
/** A secret is recognized by its first 16 characters, because servers may quote it truncated. */
const PREFIX_LENGTH = 16;

/**
 * Returns a function that removes secrets from text of a server or network library, so that an error may quote it.
 * It replaces every form of `secrets` (plain, URL-encoded, Base64), including truncated ones, turns control characters
 * into spaces, and cuts the text at 500 characters.
 */
export function createRedactor(secrets: readonly string[]): (text: string) => string {
  const searched = secrets.map((secret) => secret.slice(0, MAX_SEARCHED_LENGTH));
  const forms = new Set(searched.flatMap((secret) => [...secretForms(secret).keys()]).map(foldCase));
  return (text) => {
    const clean = hide(text.slice(0, MAX_SEARCHED_LENGTH), forms)
      .replace(/\p{Cc}+/gu, ' ')
      .trim();
    return clean.length > MAX_LENGTH ? `${clean.slice(0, MAX_LENGTH)}…` : clean;
  };
}

/** {@link createRedactor} for a single text. */
export function redact(text: string, secrets: readonly string[]): string {
  return createRedactor(secrets)(text);
}

/** Uses no regular expression: engines reject one made of many or long secrets, and quote it in the error. */
function hide(text: string, forms: Iterable<string>): string {
  const folded = foldCase(text);
  const isHidden = new Uint8Array(text.length);
  for (const form of forms) {
    const prefix = form.slice(0, PREFIX_LENGTH);
    for (let at = folded.indexOf(prefix); at !== -1; ) {
      let end = at + prefix.length;
      while (end - at < form.length && folded[end] === form[end - at]) end += 1;
      isHidden.fill(1, at, end);
      // Matches may overlap.
      at = folded.indexOf(prefix, end - prefix.length + 1);
    }
  }
  let clean = '';
  for (let at = 0; at < text.length; at++) {
    if (isHidden[at] === 0) clean += text[at];
    else if (at === 0 || isHidden[at - 1] === 0) clean += '[redacted]';
  }
  return clean;
}

/** Lowercases ASCII letters, which keeps the length: percent escapes can be written in either case. */
function foldCase(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}
