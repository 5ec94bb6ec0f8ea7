import { inspect } from 'node:util';

/** A text in the encodings that others may use. */
export function formsOf(text: string): string[] {
  return [
    text,
    encodeURIComponent(text),
    encodeURIComponent(text).replace(/%../g, (code) => code.toLowerCase()),
    new URLSearchParams({ x: text }).toString().slice(2),
    JSON.stringify(text).slice(1, -1),
    Buffer.from(text).toString('base64').replace(/=+$/, ''),
    Buffer.from(text).toString('base64url'),
  ];
}

/** The text inside a longer Base64 text, as in HTTP Basic, for each alignment of its bytes. */
export function embeddedForms(text: string): string[] {
  return ['a:', 'ab:', 'abc:'].map((before) => Buffer.from(`${before}${text}:z`).toString('base64'));
}

/** Everything that a logger could print of an error. */
export function everythingOf(error: unknown): string {
  const texts: string[] = [];
  const seen = new Set<unknown>();
  for (let current = error; current instanceof Error && !seen.has(current); current = current.cause) {
    seen.add(current);
    const own = Object.getOwnPropertyNames(current).map((name) =>
      inspect(Reflect.get(current as Error, name), { depth: 9 }),
    );
    texts.push(current.message, current.stack ?? '', String(current), JSON.stringify(current), ...own);
  }
  texts.push(inspect(error, { depth: Number.POSITIVE_INFINITY, showHidden: true, maxStringLength: null }));
  return texts.join('\n');
}

/** The forms of `secrets` that a text contains. */
export function leaksOf(text: string, secrets: readonly string[]): string[] {
  return secrets
    .flatMap((secret) => [
      ...formsOf(secret),
      // The first and last characters depend on the surrounding text.
      ...embeddedForms(secret).map((form) => form.slice(8, -8)),
    ])
    .filter((form) => text.includes(form));
}
