import type { JsonValue } from '@openfeature/core';
import type { ProviderOptions } from './provider-options.ts';

/** A longer string is content rather than a name. */
const MAX_NAME_LENGTH = 100;

/** Finds the names of values: in the `variants` option, then in an enumeration of the schema, then the value itself. */
export class VariantNames {
  readonly #declared: ReadonlyMap<string, readonly [name: string, value: JsonValue][]>;
  readonly #enumerated: (key: string) => Readonly<Record<string, unknown>> | undefined;

  /** @param enumerated - returns the enumeration that the schema declares for a key. */
  constructor(
    variants: ProviderOptions['variants'] = {},
    enumerated: (key: string) => Readonly<Record<string, unknown>> | undefined = () => undefined,
  ) {
    this.#declared = new Map(Object.entries(variants).map(([key, values]) => [key, Object.entries(values)]));
    this.#enumerated = enumerated;
  }

  nameOf(key: string, value: unknown): string | undefined {
    const declared = this.#declared.get(key)?.find(([, named]) => isSameJson(named, value));
    if (declared !== undefined) return declared[0];
    const members = this.#enumerated(key);
    const name = members && Object.keys(members).find((member) => members[member] === value);
    return name ?? defaultName(value);
  }
}

function defaultName(value: unknown): string | undefined {
  if (typeof value === 'boolean') return value ? 'on' : 'off';
  if (typeof value === 'number') return String(value);
  if (typeof value !== 'string' || value === '' || value.length > MAX_NAME_LENGTH) return undefined;
  return value;
}

/** The members of `z.enum` or `v.enum`, by name, also within `optional` and `default`; undefined for other validators. */
export function enumerationOf(validator: unknown): Readonly<Record<string, unknown>> | undefined {
  let schema = validator;
  while (typeof schema === 'object' && schema !== null) {
    if ('enum' in schema && typeof schema.enum === 'object' && schema.enum !== null)
      return { ...schema.enum };
    // valibot names the schema inside `wrapped`, zod `def.innerType`.
    if ('wrapped' in schema) schema = schema.wrapped;
    else if ('def' in schema) schema = (schema.def as { innerType?: unknown } | undefined)?.innerType;
    else return undefined;
  }
  return undefined;
}

function isSameJson(left: unknown, right: unknown): boolean {
  if (Object.is(left, right)) return true;
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) return false;
  if (Array.isArray(left) !== Array.isArray(right)) return false;
  const [one, other] = [left as Record<string, unknown>, right as Record<string, unknown>];
  const keys = Object.keys(one);
  return (
    keys.length === Object.keys(other).length &&
    keys.every((key) => Object.hasOwn(other, key) && isSameJson(one[key], other[key]))
  );
}
