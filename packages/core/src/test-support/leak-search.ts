import { inspect } from 'node:util';

/** A text as others may write it. */
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

/** The text within a longer one in base64, as in HTTP Basic, whatever stands before it. */
export function embeddedForms(text: string): string[] {
  return ['a:', 'ab:', 'abc:'].map((before) => Buffer.from(`${before}${text}:z`).toString('base64'));
}

/** All that a logger could get out of an error. */
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

/** The forms of `secrets` that a text holds. */
export function leaksOf(text: string, secrets: readonly string[]): string[] {
  return secrets
    .flatMap((secret) => [
      ...formsOf(secret),
      // The ends depend on what stands around it.
      ...embeddedForms(secret).map((form) => form.slice(8, -8)),
    ])
    .filter((form) => text.includes(form));
}
