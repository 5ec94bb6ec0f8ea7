import { compilePattern } from '../evaluation/operators.ts';

/** Flags that change what a pattern matches and have no place in JSON Schema; `u` is always on there. */
const INEXPRESSIBLE = /[imsyv]/;

/** A backslash and what follows it. */
const ESCAPE = /\\([\s\S])/g;

/**
 * A regular expression as a `pattern` of JSON Schema, which is read with the `u` flag: escapes of what needs none (`\-`)
 * are taken away. Undefined where it cannot be said.
 */
export function patternOf(expression: RegExp | string): string | undefined {
  const [source, flags] =
    typeof expression === 'string' ? [expression, ''] : [expression.source, expression.flags];
  if (INEXPRESSIBLE.test(flags)) return undefined;
  if (compilePattern(source, 'u') !== undefined) return source;
  const plain = source.replace(ESCAPE, (escaped, character: string) =>
    /[\w\\^$.*+?()[\]{}|/]/.test(character) ? escaped : character === '-' ? '\\x2d' : character,
  );
  return compilePattern(plain, 'u') === undefined ? undefined : plain;
}
