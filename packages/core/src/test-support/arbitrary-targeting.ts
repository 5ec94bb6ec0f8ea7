import fc from 'fast-check';
import type { Condition, JsonValue, Segments } from '../wire.ts';

/* Well-formed targeting of every form and operator, including unknown operators, unknown segments and cyclic ones. */

const NAMES = ['userId', 'plan', 'age', 'tags', 'device.os', 'device', '__proto__', 'toString', 'a.b'];
export const SEGMENTS: readonly string[] = ['s0', 's1', 's2', 's3', 'missing', 'constructor'];
const TEXTS = [
  '',
  'a',
  'A',
  'ab',
  'é',
  'É',
  '日本',
  '🙂',
  'pro',
  'Pro',
  'true',
  '10',
  'user-1',
  '.',
  '^a',
  'b$',
  '(',
  '\\d',
  '\\D',
];
export const VERSIONS: readonly string[] = [
  '1',
  '1.0',
  '1.0.0',
  '1.0.1',
  '2.0.0-rc.1',
  '2.0.0-rc.11',
  '2.0.0-rc.2',
  '2.0.0-1',
  '2.0.0',
  '2.0.0+b',
  '2-rc',
  '2.0.0-',
  '01.0.0',
  'v1.0.0',
  '1.0.0.0',
  '10.0.0',
  '9007199254740993.0.0',
  '9007199254740992.0.0',
  '1.0.0-0',
  '1.0.0-00',
  '1.0.0--',
  '1.0.0-a.b',
  '1.0.0-a',
];
const DATES = [
  '2026-01-01T00:00:00Z',
  '2026-01-01T01:00:00+01:00',
  '2025-12-31T23:59:59.999Z',
  '2026-01-01t00:00:00z',
  '2024-02-29T12:00:00Z',
  '2025-02-29T12:00:00Z',
  '2026-01-01',
  '2026-01-01T00:00Z',
  '2026-13-01T00:00:00Z',
  '0000-01-01T00:00:00Z',
  '0050-06-15T12:30:00-08:00',
  '2026-01-01 00:00:00Z',
  '2026-01-01T24:00:00Z',
  '2026-01-01T00:00:00',
  '2026-01-01T00:00:00.Z',
  '2026-01-01T00:00:00.5+05:30',
];

const scalar = fc.oneof(
  fc.constantFrom(...TEXTS),
  fc.constantFrom(...VERSIONS),
  fc.constantFrom(...DATES),
  fc.constantFrom(-1, 0, 0.5, 1, 10, 1_767_225_600_000, 1e21, true, false, null),
);
const json = fc.oneof(
  { weight: 4, arbitrary: scalar },
  { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 2 }) as fc.Arbitrary<JsonValue> },
);
const attribute = fc.oneof(
  { weight: 5, arbitrary: scalar },
  { weight: 2, arbitrary: fc.array(scalar, { maxLength: 12 }) },
  { weight: 1, arbitrary: fc.constantFrom<JsonValue>({ os: '2.0.0' }, { os: { deep: 1 } }, { b: 'a' }, {}) },
);
export const context: fc.Arbitrary<Record<string, JsonValue>> = fc.dictionary(
  fc.constantFrom(...NAMES, 'a'),
  attribute,
  { maxKeys: 7 },
);
const operator = fc.constantFrom(
  'in',
  'contains',
  'startsWith',
  'endsWith',
  'matches',
  'lt',
  'lte',
  'gt',
  'gte',
  'before',
  'after',
  'semverEq',
  'semverLt',
  'semverGt',
  'equals',
  'constructor',
);

const condition: fc.Arbitrary<Condition> = fc.letrec<{ node: Condition; leaf: Condition }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    tie('leaf'),
    fc.record({ all: fc.array(tie('node'), { maxLength: 3 }) }),
    fc.record({ any: fc.array(tie('node'), { maxLength: 3 }) }),
    fc.record({ not: tie('node') }),
  ),
  leaf: fc.oneof(
    fc.record({ segment: fc.constantFrom(...SEGMENTS) }),
    fc.record({ attribute: fc.constantFrom(...NAMES), op: fc.constant('exists' as const) }),
    fc.record(
      {
        attribute: fc.constantFrom(...NAMES),
        op: operator,
        values: fc.array(scalar, { maxLength: 12 }),
        ignoreCase: fc.boolean(),
      },
      { requiredKeys: ['attribute', 'op', 'values'] },
    ) as fc.Arbitrary<Condition>,
  ),
})).node;

export const segments: fc.Arbitrary<Segments> = fc.record({
  s0: condition,
  s1: condition,
  s2: condition,
  s3: condition,
});
const rollout = fc.record(
  {
    // Three weights of at most a third never add up to more than 100 %.
    variants: fc.array(
      fc.record({ value: json, weight: fc.integer({ min: 0, max: 3333 }).map((weight) => weight / 100) }),
      { maxLength: 3 },
    ),
    bucketBy: fc.constantFrom(...NAMES),
    salt: fc.constantFrom('', 's', 'é🙂', 'ab\ud800'),
  },
  { requiredKeys: ['variants'] },
);
const rule = fc.oneof(
  fc.record({ id: fc.constantFrom('r0', 'r1', 'é'), when: condition, value: json }),
  fc.record({ id: fc.constantFrom('r0', 'r1', 'é'), when: condition, rollout }),
);
const cohort = fc.record(
  {
    rules: fc.array(rule, { maxLength: 4 }),
    rollout,
    bucketBy: fc.constantFrom(...NAMES),
    salt: fc.constant('cohort'),
    defaultValue: json,
  },
  { requiredKeys: ['defaultValue'] },
);
export const stored: fc.Arbitrary<JsonValue> = fc.oneof(
  { weight: 1, arbitrary: json },
  { weight: 9, arbitrary: fc.record({ $cohort: cohort }) as unknown as fc.Arbitrary<JsonValue> },
);
