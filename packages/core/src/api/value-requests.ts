import type { JsonValue } from '../wire.ts';
import type { ValueInput, WriteCondition } from './config-api-types.ts';

/** The version in an `ETag`. A proxy that compresses the response may have made the tag a weak one. */
export function versionOf(etag: string | null): string | undefined {
  return /^(?:W\/)?"(.+)"$/.exec(etag ?? '')?.[1];
}

/** The headers that make a write conditional. */
export function conditionHeaders({ ifVersion, ifUnset }: WriteCondition): Record<string, string> {
  return {
    ...(ifVersion !== undefined && { 'if-match': `"${ifVersion}"` }),
    ...(ifUnset === true && { 'if-none-match': '*' }),
  };
}

/** All strings in the secrets among `inputs`: an error must not repeat them. */
export function secretStrings(inputs: readonly ValueInput[]): string[] {
  return inputs.filter((input) => input.tier === 'secret').flatMap((input) => stringsIn(input.value));
}

function stringsIn(value: JsonValue): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(stringsIn);
}
