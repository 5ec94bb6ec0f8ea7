import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  type Condition,
  type ConditionOperator,
  defineConfig,
  defineLimit,
  type EvaluationContext,
  type JsonValue,
} from '../index.ts';
import { createTestClient } from '../testing.ts';

const OPERANDS: Record<ConditionOperator, JsonValue[]> = {
  in: ['a', 1, true],
  contains: ['a'],
  startsWith: ['a'],
  endsWith: ['a'],
  matches: ['a$'],
  lt: [1],
  lte: [1],
  gt: [1],
  gte: [1],
  before: ['2026-01-01T00:00:00Z'],
  after: [0],
  semverEq: ['1.0.0'],
  semverLt: ['1.0.0'],
  semverGt: ['1.0.0'],
};
/** The operators that `ignoreCase` applies to. */
const IGNORE_CASE = ['in', 'contains', 'startsWith', 'endsWith', 'matches'] as const;
const ATTRIBUTES = ['userId', 'a', 'a.b.c', '__proto__', 'constructor.name', 'tags', 'length', ''];

/** Rules that apply every operator to every attribute, none of which matches, and then a rollout. */
function targeted(value: JsonValue, segment: string): JsonValue {
  const conditions = ATTRIBUTES.flatMap((attribute): Condition[] => [
    { attribute, op: 'exists' },
    ...Object.entries(OPERANDS).map(
      ([op, values]): Condition => ({ attribute, op: op as ConditionOperator, values }),
    ),
    ...IGNORE_CASE.map((op): Condition => ({ attribute, op, values: OPERANDS[op], ignoreCase: true })),
  ]);
  const nobody: Condition = { attribute: 'nobody', op: 'exists' };
  const rules = conditions.map((condition, index) => ({
    id: `r${index}`,
    when: { all: [condition, { any: [nobody, { segment }] }] },
    value,
  }));
  return {
    $cohort: {
      rules: rules as unknown as JsonValue,
      rollout: { variants: [{ value, weight: 50 }] },
      defaultValue: value,
    },
  };
}

const config = defineConfig({
  public: { name: z.string().default('shop') },
  flags: { theme: z.enum(['light', 'dark']).default('light') },
  limits: { cartItems: defineLimit({ default: 20, min: 1, max: 100 }) },
});
const client = createTestClient({
  config,
  flags: { theme: targeted('dark', 'deep') as never },
  limits: { cartItems: targeted(30, 'unknown') as never },
  segments: { deep: { not: { attribute: 'a', op: 'in', values: ['x'] } } },
});

const refuse = (): never => {
  throw new Error('hostile');
};
const TRAPS = ['get', 'has', 'ownKeys', 'getOwnPropertyDescriptor', 'getPrototypeOf'] as const;

function nested(levels: number): Record<string, unknown> {
  let value: Record<string, unknown> = {};
  for (let level = 0; level < levels; level++) value = { a: value, b: [value] };
  return value;
}

function withGetters(): object {
  return Object.defineProperties(
    {},
    Object.fromEntries(ATTRIBUTES.map((name) => [name, { get: refuse, enumerable: true }])),
  );
}

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

const endless: Record<string, unknown> = {};
Object.defineProperty(endless, 'a', { get: () => endless.a, enumerable: true });
const circular: Record<string, unknown> = { userId: 'u' };
circular.a = circular;
circular.b = [circular];

/** Each is used as the whole context, and as the value of each attribute. */
const HOSTILE: [string, () => unknown][] = [
  ['undefined', () => undefined],
  ['null', () => null],
  ['NaN', () => Number.NaN],
  ['Infinity', () => Number.NEGATIVE_INFINITY],
  ['minus zero', () => -0],
  ['a bigint', () => 10n ** 400n],
  ['a symbol', () => Symbol('s')],
  ['a function', () => refuse],
  ['a class instance', () => new (class Visitor extends Map {})()],
  ['a date', () => new Date()],
  ['an invalid date', () => new Date(Number.NaN)],
  ['a regular expression', () => /a/g],
  ['a boxed string', () => new String('a')],
  ['an error', () => new Error('hostile')],
  ['a promise', () => Promise.resolve('a')],
  ['a buffer', () => new Uint8Array(1_000)],
  ['a string of lone surrogates', () => '\udc00\ud800a\ud83d'],
  ['a very long string', () => 'ab'.repeat(500_000)],
  ['a huge array', () => Array.from({ length: 20_000 }, (_, index) => index)],
  ['a sparse array', () => Object.assign([], { 20000: 'a' })],
  ['an array of everything', () => [undefined, null, Number.NaN, 1n, Symbol('s'), {}, [], revoked()]],
  ['deep objects', () => nested(5_000)],
  ['a cycle', () => circular],
  ['an endless getter', () => endless],
  ['getters that throw', withGetters],
  ['no prototype', () => Object.assign(Object.create(null) as object, { userId: 'u' })],
  ['an own __proto__', () => JSON.parse('{"__proto__":{"userId":"u","length":1},"a":{"__proto__":1}}')],
  [
    'a converting object',
    () => ({ toString: refuse, valueOf: refuse, [Symbol.toPrimitive]: refuse, toJSON: refuse }),
  ],
  ['a revoked proxy', revoked],
  ...TRAPS.map((trap): [string, () => unknown] => [
    `a proxy that throws on ${trap}`,
    () => new Proxy({ userId: 'u', a: 1 }, { [trap]: refuse }),
  ]),
  ...TRAPS.map((trap): [string, () => unknown] => [
    `an array proxy that throws on ${trap}`,
    () => new Proxy(['a'], { [trap]: refuse }),
  ]),
];

describe('reads do not throw', () => {
  const prototypes: object[] = [Object.prototype, Array.prototype, Function.prototype, String.prototype];
  const shape = (): number => prototypes.flatMap((prototype) => Reflect.ownKeys(prototype)).length;

  it.each(HOSTILE)('for %s as the context or an attribute', (_, make) => {
    const before = shape();
    const attributes = Object.fromEntries(ATTRIBUTES.slice(0, 2).map((name) => [name, make()]));
    const contexts = [make(), attributes, { ...attributes, tags: make(), length: make(), '': make() }];
    for (const context of contexts as EvaluationContext[]) {
      expect(client.flag('theme', context)).toBe('dark');
      expect(client.flagDetails('theme', context)).toMatchObject({ value: 'dark' });
      expect(client.limit('cartItems', context)).toBe(30);
      expect(client.limitDetails('cartItems', context)).toMatchObject({ value: 30 });
      expect(client.explain('theme', context).evaluation).toEqual(client.flagDetails('theme', context));
      expect(client.explain('cartItems', context).evaluation.value).toBe(30);
      expect(client.snapshot(context)).toMatchObject({
        public: { name: 'shop' },
        flags: { theme: { value: 'dark' } },
        limits: { cartItems: { value: 30 } },
      });
    }
    expect(shape()).toBe(before);
  });

  it('for any key', () => {
    const keys: unknown[] = [...HOSTILE.map(([, make]) => make()), '__proto__', 'constructor', 'a\ud800'];
    for (const key of keys as never[]) {
      expect(client.flag(key)).toBeUndefined();
      expect(client.limit(key)).toBeUndefined();
      expect(client.flagDetails(key).errorCode).toBe('ERR_KEY_UNKNOWN');
      expect(client.explain(key).evaluation.errorCode).toBe('ERR_KEY_UNKNOWN');
    }
  });
});
