import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Condition,
  checkCondition,
  checkTargeting,
  compileSegments,
  evaluate,
  type JsonValue,
  segmentsUsed,
  type TargetingIssue,
} from '../../index.ts';

const VALID: JsonValue = {
  $cohort: {
    rules: [
      {
        id: 'insiders',
        when: { any: [{ segment: 'insiders' }, { not: { attribute: 'email', op: 'exists' } }] },
        value: true,
      },
      {
        id: 'nl',
        when: { attribute: 'country', op: 'in', values: ['NL', 1, true], ignoreCase: true },
        rollout: {
          variants: [
            { value: true, weight: 25.5 },
            { value: false, weight: 74.5 },
          ],
          bucketBy: 'tenantId',
          salt: 's',
        },
      },
      {
        id: 'others',
        when: {
          all: [
            { attribute: 'a', op: 'matches', values: ['^\\p{L}+$'] },
            { attribute: 'a', op: 'lt', values: [1.5] },
            { attribute: 'a', op: 'before', values: ['2026-01-01T00:00:00Z', 1767225600000] },
            { attribute: 'a', op: 'semverGt', values: ['2', '2.0.0-rc.1+b'] },
            { attribute: 'a', op: 'contains', values: [] },
          ],
        },
        value: null,
      },
    ],
    rollout: {
      variants: [
        { value: 1, weight: 0.01 },
        { value: 2, weight: 99.99 },
      ],
    },
    bucketBy: 'userId',
    salt: '',
    defaultValue: false,
  },
};

const RULE = { id: 'r', when: { all: [] }, value: 1 };
const cohort = (fields: object): JsonValue => ({ $cohort: { defaultValue: 0, ...fields } }) as JsonValue;
const rule = (fields: object): JsonValue => cohort({ rules: [{ ...RULE, ...fields }] });
const rollout = (fields: object): JsonValue => cohort({ rollout: { variants: [], ...fields } });
const when = (condition: unknown): JsonValue => rule({ when: condition });
const values = (op: string, ...operands: unknown[]): JsonValue =>
  when({ attribute: 'a', op, values: operands });
const paths = (issues: TargetingIssue[]): string[] => issues.map((issue) => issue.path);

describe('checkTargeting', () => {
  it('finds no issue in a value that uses every form', () => {
    expect(
      checkTargeting(VALID, {
        segments: new Set(['insiders']),
        checkPattern: () => undefined,
        checkValue: () => undefined,
      }),
    ).toStrictEqual([]);
    expect(checkTargeting({ $cohort: { defaultValue: null } })).toStrictEqual([]);
  });

  it.each<[JsonValue, string, string]>([
    [{ $cohort: 5 }, '$cohort', 'a number'],
    [{ $cohort: [] }, '$cohort', 'a list'],
    [{ $cohort: { defaultValue: 1 }, other: 1 }, 'other', 'Unknown field "other"'],
    [{ $cohort: { rules: [] } }, '$cohort.defaultValue', 'is missing'],
    [cohort({ default: 1 }), '$cohort.default', 'the fields here are rules, rollout'],
    [cohort({ rules: {} }), '$cohort.rules', 'must be a list'],
    [cohort({ rules: [7] }), '$cohort.rules[0]', 'must be an object'],
    [
      cohort({ rules: Array.from({ length: 1001 }, (_, index) => ({ ...RULE, id: `r${index}` })) }),
      '$cohort.rules',
      'at most 1000',
    ],
    [cohort({ rules: [RULE, RULE] }), '$cohort.rules[1].id', 'already the id of rule 0'],
    [rule({ id: '' }), '$cohort.rules[0].id', 'non-empty'],
    [rule({ id: 5 }), '$cohort.rules[0].id', 'non-empty'],
    [rule({ rollout: { variants: [] } }), '$cohort.rules[0]', 'both'],
    [cohort({ rules: [{ id: 'r', when: { all: [] } }] }), '$cohort.rules[0]', 'neither'],
    [cohort({ rules: [{ id: 'r', value: 1 }] }), '$cohort.rules[0].when', 'is missing'],
    [rule({ note: 1 }), '$cohort.rules[0].note', 'Unknown field'],
    [
      cohort({ rules: [{ id: 'r', when: { all: [] }, rollout: null }] }),
      '$cohort.rules[0].rollout',
      'must be an object',
    ],
    [rollout({ variants: {} }), '$cohort.rollout.variants', 'must be a list'],
    [rollout({ variants: [3] }), '$cohort.rollout.variants[0]', 'must be an object'],
    [rollout({ variants: [{ weight: 1 }] }), '$cohort.rollout.variants[0].value', 'is missing'],
    [rollout({ variants: [{ value: 1 }] }), '$cohort.rollout.variants[0].weight', 'missing'],
    [rollout({ variants: [{ value: 1, weight: '5' }] }), '$cohort.rollout.variants[0].weight', 'a string'],
    [
      rollout({ variants: [{ value: 1, weight: -0.01 }] }),
      '$cohort.rollout.variants[0].weight',
      'between 0 and 100',
    ],
    [
      rollout({ variants: [{ value: 1, weight: 100.01 }] }),
      '$cohort.rollout.variants[0].weight',
      'between 0 and 100',
    ],
    [
      rollout({ variants: [{ value: 1, weight: 0.125 }] }),
      '$cohort.rollout.variants[0].weight',
      'two decimals',
    ],
    [
      rollout({
        variants: [
          { value: 1, weight: 60 },
          { value: 2, weight: 40.01 },
        ],
      }),
      '$cohort.rollout.variants',
      '100.01 %',
    ],
    [
      rollout({ variants: [{ value: 1, weight: 1, name: 'x' }] }),
      '$cohort.rollout.variants[0].name',
      'Unknown field',
    ],
    [rollout({ bucketBy: '' }), '$cohort.rollout.bucketBy', 'attribute'],
    [rollout({ salt: 5 }), '$cohort.rollout.salt', 'must be a string'],
    [rollout({ 'odd name': 5 }), '$cohort.rollout["odd name"]', 'Unknown field'],
    [cohort({ bucketBy: null }), '$cohort.bucketBy', 'attribute'],
    [when(5), '$cohort.rules[0].when', 'must be an object'],
    [when({}), '$cohort.rules[0].when', 'exactly one of'],
    [when({ all: [], any: [] }), '$cohort.rules[0].when', 'exactly one of'],
    [when({ all: {} }), '$cohort.rules[0].when.all', 'must be a list'],
    [when({ any: [{ not: 1 }] }), '$cohort.rules[0].when.any[0].not', 'must be an object'],
    [when({ all: [], note: 1 }), '$cohort.rules[0].when.note', 'Unknown field'],
    [when({ segment: 'gone' }), '$cohort.rules[0].when.segment', 'segment "gone" does not exist'],
    [when({ segment: '' }), '$cohort.rules[0].when.segment', 'name of a segment'],
    [when({ attribute: '', op: 'exists' }), '$cohort.rules[0].when.attribute', 'name or path'],
    [when({ attribute: 'a', op: 'exists', values: [] }), '$cohort.rules[0].when.values', 'Unknown field'],
    [
      when({ attribute: 'a', op: 'equals', values: [] }),
      '$cohort.rules[0].when.op',
      'Unknown operator: "equals"',
    ],
    [when({ attribute: 'a', op: 'toString', values: [] }), '$cohort.rules[0].when.op', 'Unknown operator'],
    [when({ attribute: 'a', values: [] }), '$cohort.rules[0].when.op', 'missing'],
    [when({ attribute: 'a', op: 'in' }), '$cohort.rules[0].when.values', 'missing'],
    [
      when({ attribute: 'a', op: 'in', values: [], ignoreCase: 'yes' }),
      '$cohort.rules[0].when.ignoreCase',
      'true or false',
    ],
    [values('in', 'a', null), '$cohort.rules[0].when.values[1]', 'null'],
    [values('in', ['a']), '$cohort.rules[0].when.values[0]', 'a list'],
    [values('contains', 5), '$cohort.rules[0].when.values[0]', 'strings'],
    [values('startsWith', true), '$cohort.rules[0].when.values[0]', 'strings'],
    [values('endsWith', {}), '$cohort.rules[0].when.values[0]', 'strings'],
    [values('matches', 5), '$cohort.rules[0].when.values[0]', 'regular expressions'],
    [values('matches', '('), '$cohort.rules[0].when.values[0]', 'not a valid regular expression'],
    [values('matches', '\\-'), '$cohort.rules[0].when.values[0]', '"u" flag'],
    [values('gte', '5'), '$cohort.rules[0].when.values[0]', 'numbers'],
    [values('before', '2026-01-01'), '$cohort.rules[0].when.values[0]', 'RFC 3339'],
    [values('after', true), '$cohort.rules[0].when.values[0]', 'epoch milliseconds'],
    [values('semverEq', 'v2.0.0'), '$cohort.rules[0].when.values[0]', 'semantic version'],
    [values('semverLt', 2), '$cohort.rules[0].when.values[0]', 'semantic versions'],
    [
      values('in', ...Array.from({ length: 10_001 }, (_, index) => index)),
      '$cohort.rules[0].when.values',
      'at most 10000',
    ],
  ])('case %#: finds exactly one issue', (stored, path, message) => {
    const issues = checkTargeting(stored, { segments: new Set(['insiders']) });
    expect(paths(issues)).toStrictEqual([path]);
    expect(issues[0]?.message).toContain(message);
  });

  it('adds up weights in hundredths, without rounding errors', () => {
    const tenths = Array.from({ length: 1000 }, (_, value) => ({ value, weight: 0.1 }));
    expect(checkTargeting(rollout({ variants: tenths }))).toStrictEqual([]);
    for (let hundredths = 0; hundredths <= 10_000; hundredths++) {
      expect(checkTargeting(rollout({ variants: [{ value: 1, weight: hundredths / 100 }] }))).toStrictEqual(
        [],
      );
    }
  });

  it('accepts 32 levels of conditions, 1,000 rules and 10,000 values, but not 33 levels', () => {
    const nest = (levels: number): JsonValue => (levels === 1 ? { all: [] } : { not: nest(levels - 1) });
    expect(checkTargeting(when(nest(32)))).toStrictEqual([]);
    expect(paths(checkTargeting(when(nest(33))))).toStrictEqual([
      `$cohort.rules[0].when${'.not'.repeat(32)}`,
    ]);
    const rules = Array.from({ length: 1000 }, (_, index) => ({ ...RULE, id: `r${index}` }));
    expect(checkTargeting(cohort({ rules }))).toStrictEqual([]);
    expect(
      checkTargeting(values('in', ...Array.from({ length: 10_000 }, (_, index) => index))),
    ).toStrictEqual([]);
  });

  it('reports all issues at once, in document order, but at most 100', () => {
    const issues = checkTargeting({
      $cohort: { rules: [{ id: '', when: { attribute: 'a', op: 'x', values: [] } }, 5], salt: 5 },
    });
    expect(paths(issues)).toStrictEqual([
      '$cohort.rules[0].id',
      '$cohort.rules[0].when.op',
      '$cohort.rules[0]',
      '$cohort.rules[1]',
      '$cohort.salt',
      '$cohort.defaultValue',
    ]);
    expect(checkTargeting(values('lt', ...Array.from({ length: 5_000 }, () => 'x')))).toHaveLength(100);
  });

  it('calls checkPattern for each valid pattern, and reports its message', () => {
    const checked: string[] = [];
    const checkPattern = (pattern: string, flags: string): string | undefined => {
      checked.push(`/${pattern}/${flags}`);
      return pattern === '(a+)+$' ? 'may take forever' : undefined;
    };
    const issues = checkTargeting(values('matches', '^a', '(', '(a+)+$'), { checkPattern });
    expect(checked).toStrictEqual(['/^a/u', '/(a+)+$/u']);
    const ignored = when({ attribute: 'a', op: 'matches', values: ['^a'], ignoreCase: true });
    checkTargeting(ignored, { checkPattern });
    expect(checked.at(-1)).toBe('/^a/iu');
    expect(issues.map((issue) => [issue.path, issue.message.includes('forever')])).toStrictEqual([
      ['$cohort.rules[0].when.values[1]', false],
      ['$cohort.rules[0].when.values[2]', true],
    ]);
  });

  it('refuses exactly the conditions that are false because they grow too large with their segments', () => {
    const own = { attribute: 'userId', op: 'exists' } as const;
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 700 }), fc.integer({ min: 1, max: 4 }), (length, width) => {
        const chain = Object.fromEntries(
          Array.from({ length }, (_, index): [string, Condition] => [
            `s${index}`,
            index === 0
              ? own
              : { all: Array.from({ length: index < 9 ? width : 1 }, () => ({ segment: `s${index - 1}` })) },
          ]),
        );
        const segments = compileSegments(chain);
        const stored = when({ any: [{ segment: `s${length - 1}` }] });
        const issues = checkTargeting(stored, { segments });
        expect(issues.length === 0).toBe(evaluate('f', stored, { userId: 'u' }, chain).value === 1);
        for (const { path, message } of issues) {
          expect(path).toBe('$cohort.rules[0].when');
          expect(message).toMatch(/20000 conditions or 512 levels.*Refer to fewer segments/);
        }
        // Their names alone do not show how large the segments are.
        expect(checkTargeting(stored, { segments: new Set(Object.keys(chain)) })).toStrictEqual([]);
      }),
      { numRuns: 200 },
    );
  });

  it('accepts compiled segments in place of names', () => {
    const segments = compileSegments({ insiders: { all: [] } });
    expect(checkTargeting(VALID, { segments })).toStrictEqual([]);
    expect(paths(checkTargeting(when({ segment: '__proto__' }), { segments }))).toStrictEqual([
      '$cohort.rules[0].when.segment',
    ]);
  });

  it('calls checkValue for every value that the flag may return', () => {
    const refuse = (value: JsonValue): string | undefined =>
      typeof value === 'number' ? 'is not a boolean' : undefined;
    expect(checkTargeting(VALID, { checkValue: refuse })).toStrictEqual([
      { path: '$cohort.rollout.variants[0].value', message: 'is not a boolean' },
      { path: '$cohort.rollout.variants[1].value', message: 'is not a boolean' },
    ]);
    expect(checkTargeting(5, { checkValue: refuse })).toStrictEqual([
      { path: '', message: 'is not a boolean' },
    ]);
    expect(checkTargeting({ plain: true }, { checkValue: refuse })).toStrictEqual([]);
  });

  it('shortens long strings of the input', () => {
    const long = 'x'.repeat(10_000);
    for (const stored of [
      when({ attribute: 'a', op: long, values: [] }),
      cohort({ [long]: 1 }),
      when({ segment: long }),
      values('before', long),
    ]) {
      const [issue] = checkTargeting(stored, { segments: new Set() });
      expect(issue?.message.length).toBeLessThan(300);
      expect(issue?.path.length).toBeLessThan(300);
    }
  });
});

describe('checkCondition', () => {
  it('checks a condition by itself, with paths relative to it', () => {
    expect(checkCondition({ attribute: 'a', op: 'exists' })).toStrictEqual([]);
    expect(paths(checkCondition({ all: [{ segment: 'x' }, 5] }, { segments: new Set() }))).toStrictEqual([
      'all[0].segment',
      'all[1]',
    ]);
    expect(paths(checkCondition(null))).toStrictEqual(['']);
    expect(paths(checkCondition({ attribute: 'a', op: 'nope', values: [] }))).toStrictEqual(['op']);
  });
});

describe('segmentsUsed', () => {
  it('names the segments of every rule, or of a condition', () => {
    expect(segmentsUsed(VALID)).toStrictEqual(new Set(['insiders']));
    expect(segmentsUsed({ all: [{ segment: 'a' }, { not: { any: [{ segment: 'b' }] } }] })).toStrictEqual(
      new Set(['a', 'b']),
    );
    expect(segmentsUsed({ segment: '__proto__' })).toStrictEqual(new Set(['__proto__']));
  });

  it.each<JsonValue>([
    null,
    5,
    'x',
    [],
    {},
    { $cohort: 5 },
    { $cohort: { rules: 5 } },
    { $cohort: { rules: [5, { when: 5 }, { when: { segment: 5 } }] } },
  ])('finds none in %j', (stored) => {
    expect(segmentsUsed(stored)).toStrictEqual(new Set());
  });
});
