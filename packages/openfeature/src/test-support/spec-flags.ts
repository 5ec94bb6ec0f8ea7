import { readFileSync } from 'node:fs';
import type { FlagMetadata, JsonValue } from '@openfeature/core';
import { type AnyConfig, type Condition, defineConfig } from '@smooai/config';
import { z } from 'zod';
import type { ProviderOptions } from '../provider-options.ts';

/** A flag of OpenFeature's `test-flags.json`. */
interface SpecFlag {
  variants: Record<string, JsonValue>;
  defaultVariant?: string | null;
  flagMetadata?: FlagMetadata | null;
  contextEvaluator?: string;
  disabled?: boolean;
}

const text = readFileSync(new URL('../testdata/test-flags.json', import.meta.url), 'utf8');

/** The flags of the specification. Those that are disabled are left out: we have no such state. */
const specFlags: [key: string, flag: SpecFlag][] = Object.entries(
  JSON.parse(text) as Record<string, SpecFlag>,
).filter(([, { disabled, defaultVariant }]) => disabled !== true && typeof defaultVariant === 'string');

const isBallmer: Condition = { attribute: 'email', op: 'in', values: ['ballmer@macrosoft.com'] };

/** The CEL expressions of the flags, as conditions, and the variant that they choose. */
const RULES: Readonly<Record<string, [when: Condition, variant: string]>> = {
  "email == 'ballmer@macrosoft.com' ? 'zero' : ''": [isBallmer, 'zero'],
  "!customer && email == 'ballmer@macrosoft.com' && age > 10 ? 'internal' : ''": [
    {
      all: [
        { not: { attribute: 'customer', op: 'in', values: [true] } },
        isBallmer,
        { attribute: 'age', op: 'gt', values: [10] },
      ],
    },
    'internal',
  ],
};

/** `evaluation.feature` uses a flag that `test-flags.json` does not have. */
const contextAware = {
  rules: [
    {
      id: 'internal',
      when: {
        all: [
          { attribute: 'fn', op: 'in', values: ['Sulisław'] },
          { attribute: 'ln', op: 'in', values: ['Świętopełk'] },
          { attribute: 'age', op: 'in', values: [29] },
          { attribute: 'customer', op: 'in', values: [false] },
        ],
      },
      value: 'INTERNAL',
    },
  ],
  defaultValue: 'EXTERNAL',
};

/** The schema of the specification's flags: the variants of strings and numbers are enumerations. */
export const specConfig: AnyConfig = defineConfig({
  flags: {
    ...Object.fromEntries(specFlags.map(([key, { variants }]) => [key, validatorOf(variants)])),
    'context-aware': z.string().default('EXTERNAL'),
  },
});

function validatorOf(variants: Record<string, JsonValue>): z.ZodType {
  const [first] = Object.values(variants);
  if (typeof first === 'string' || typeof first === 'number') {
    return z.enum(variants as Record<string, string>).default(first as never);
  }
  return z.unknown().default(first);
}

/** The stored values, by key. */
export function specValues(): Record<string, JsonValue> {
  const values = specFlags.map(
    ([key, { variants, defaultVariant, contextEvaluator }]): [string, JsonValue] => {
      const value = variants[defaultVariant ?? ''] ?? null;
      if (contextEvaluator === undefined) return [key, value];
      const [when, variant] = RULES[contextEvaluator] ?? [];
      if (when === undefined || variant === undefined)
        throw new Error(`No condition for ${contextEvaluator}`);
      const rule = { id: 'rule', when, value: variants[variant] ?? null };
      return [key, { $cohort: { rules: [rule], defaultValue: value } } as never];
    },
  );
  return { ...Object.fromEntries(values), 'context-aware': { $cohort: contextAware } as never };
}

/** The names that a schema does not give: those of booleans and objects. And the metadata that the scenarios expect. */
export const specOptions: ProviderOptions = {
  variants: Object.fromEntries(specFlags.map(([key, { variants }]) => [key, variants])),
  flagMetadata: (key) => specFlags.find(([name]) => name === key)?.[1].flagMetadata ?? {},
};
