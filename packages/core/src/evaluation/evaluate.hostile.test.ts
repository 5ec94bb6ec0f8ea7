import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { compile, evaluate, type JsonValue, type Segments } from '../index.ts';
import { runs } from '../test-support/runs.ts';

const DEFAULT = { value: 'default', source: 'default' };

/** Whether a context matches a condition. */
function decide(when: unknown, context: unknown = {}, segments: Segments = {}): unknown {
  const flag = { $cohort: { rules: [{ id: 'r', when, value: true }], defaultValue: false } } as JsonValue;
  return evaluate('flag', flag, context as Record<string, unknown>, segments).value;
}

function nest(form: 'not' | 'all', levels: number, inner: unknown): unknown {
  let condition = inner;
  for (let level = 1; level < levels; level++)
    condition = form === 'not' ? { not: condition } : { all: [condition] };
  return condition;
}

const EVERYONE = { attribute: 'userId', op: 'exists' };

describe('hostile stored values', () => {
  it.each<[string, unknown]>([
    ['rules that are a string', { rules: 'x' }],
    ['rules that are an object', { rules: { 0: { id: 'r', when: { all: [] }, value: 1 } } }],
    ['rules that are null', { rules: null }],
    ['rules that are all malformed', { rules: [null, 1, 'x', [], {}] }],
    ['a rule without an id', { rules: [{ when: { all: [] }, value: 1 }] }],
    ['a rule with a numeric id', { rules: [{ id: 1, when: { all: [] }, value: 1 }] }],
    ['a rule without a condition', { rules: [{ id: 'r', value: 1 }] }],
    ['a rule without a value or rollout', { rules: [{ id: 'r', when: { all: [] } }] }],
    [
      'a rule with a value and a rollout',
      { rules: [{ id: 'r', when: { all: [] }, value: 1, rollout: { variants: [] } }] },
    ],
    ['a rollout that is null', { rollout: null }],
    ['a rollout that is a list', { rollout: [] }],
    ['a rollout without variants', { rollout: {} }],
    ['variants that are an object', { rollout: { variants: {} } }],
    ['a variant that is null', { rollout: { variants: [null] } }],
    ['a variant without a value', { rollout: { variants: [{ weight: 100 }] } }],
    ['a variant without a weight', { rollout: { variants: [{ value: 1 }] } }],
    ['a weight that is a string', { rollout: { variants: [{ value: 1, weight: '100' }] } }],
    [
      'a negative weight',
      {
        rollout: {
          variants: [
            { value: 1, weight: -1 },
            { value: 2, weight: 100 },
          ],
        },
      },
    ],
    ['a weight above 100', { rollout: { variants: [{ value: 1, weight: 1e308 }] } }],
    ['a weight that is NaN', { rollout: { variants: [{ value: 1, weight: Number.NaN }] } }],
    ['bucketBy that is a number', { bucketBy: 5, rollout: { variants: [{ value: 1, weight: 100 }] } }],
    ['a salt that is an object', { salt: {}, rollout: { variants: [{ value: 1, weight: 100 }] } }],
  ])('%s: gives the default', (_, cohort) => {
    const flag = { $cohort: { ...(cohort as object), defaultValue: 'default' } } as JsonValue;
    expect(evaluate('flag', flag, { userId: 'u' })).toStrictEqual(DEFAULT);
  });

  it.each([null, 5, 'x', true, []])('a $cohort that is %j gives null by default', ($cohort) => {
    expect(evaluate('flag', { $cohort } as JsonValue)).toStrictEqual({ value: null, source: 'default' });
  });

  it('a cohort without a default gives null by default', () => {
    expect(evaluate('flag', { $cohort: {} })).toStrictEqual({ value: null, source: 'default' });
  });

  it('a malformed rule is skipped', () => {
    const flag = {
      $cohort: { rules: [null, { id: 'ok', when: { all: [] }, value: 1 }], defaultValue: 0 },
    } as unknown as JsonValue;
    expect(evaluate('flag', flag)).toStrictEqual({ value: 1, source: 'rule', matchedRuleId: 'ok' });
  });

  it('a matching rule whose rollout is malformed ends the search', () => {
    const rules = [
      { id: 'r', when: { all: [] }, rollout: 5 },
      { id: 'next', when: { all: [] }, value: 1 },
    ];
    const flag = { $cohort: { rules, defaultValue: 'default' } } as unknown as JsonValue;
    expect(evaluate('flag', flag, { userId: 'u' })).toStrictEqual({ ...DEFAULT, matchedRuleId: 'r' });
  });

  it('a variant after weights of 100 in sum gets nobody', () => {
    const variants = [
      { value: 'a', weight: 100 },
      { value: 'b', weight: 100 },
    ];
    for (let index = 0; index < 100; index++) {
      expect(
        evaluate('f', { $cohort: { rollout: { variants }, defaultValue: 0 } }, { userId: index }).value,
      ).toBe('a');
    }
  });

  it.each<unknown>([
    null,
    5,
    'x',
    [],
    {},
    { all: {} },
    { any: null },
    { not: null },
    { segment: 5 },
    { attribute: 'userId' },
    { attribute: 5, op: 'exists' },
    { attribute: 'userId', op: 'in' },
    { attribute: 'userId', op: 'in', values: 'u' },
    { attribute: 'userId', op: 'toString', values: ['u'] },
    { attribute: 'userId', op: null, values: ['u'] },
    { all: [], any: [{ all: [] }] },
    { attribute: 'userId', op: 'matches', values: ['(', '['] },
    { attribute: 'userId', op: 'in', values: [] },
    { attribute: 'userId', op: 'in', values: [null, {}, ['u']] },
  ])('a malformed condition is false: %j', (when) => {
    if ((when as { not?: unknown } | null)?.not === null) expect(decide(when, { userId: 'u' })).toBe(true);
    else expect(decide(when, { userId: 'u' })).toBe(false);
  });

  it('an unknown operator is false, so its negation is true', () => {
    const unknown = { attribute: 'userId', op: 'equals', values: ['u'] };
    expect(decide(unknown, { userId: 'u' })).toBe(false);
    expect(decide({ not: unknown }, { userId: 'u' })).toBe(true);
  });

  it('a condition of 32 levels is evaluated; a deeper one is false, whatever it negates', () => {
    const context = { userId: 'u' };
    expect(decide(nest('all', 32, EVERYONE), context)).toBe(true);
    expect(decide(nest('all', 33, EVERYONE), context)).toBe(false);
    expect(decide(nest('not', 31, EVERYONE), context)).toBe(true);
    for (const levels of [33, 34, 100_000, 100_001]) {
      expect(decide(nest('not', levels, EVERYONE), context)).toBe(false);
      expect(decide(nest('not', levels, { any: [] }), context)).toBe(false);
    }
  });

  it('a long chain of segments is evaluated; an absurdly long one is false and does not overflow the stack', () => {
    const chain = (length: number): Segments =>
      Object.fromEntries(
        Array.from({ length }, (_, index) => [
          `s${index}`,
          index === length - 1 ? EVERYONE : { segment: `s${index + 1}` },
        ]),
      ) as Segments;
    expect(decide({ segment: 's0' }, { userId: 'u' }, chain(100))).toBe(true);
    expect(decide({ segment: 's0' }, { userId: 'u' }, chain(50_000))).toBe(false);
  });

  it('a segment that grows exponentially is false, and so is any condition that refers to it', () => {
    const doubled: Segments = Object.fromEntries(
      Array.from({ length: 100 }, (_, index) => [
        `s${index}`,
        { all: [{ segment: `s${index + 1}` }, { segment: `s${index + 1}` }] },
      ]),
    );
    const segments = { ...doubled, s100: EVERYONE } as Segments;
    expect(decide({ segment: 's0' }, { userId: 'u' }, segments)).toBe(false);
    expect(decide({ not: { segment: 's0' } }, { userId: 'u' }, segments)).toBe(false);
    expect(decide({ segment: 's95' }, { userId: 'u' }, segments)).toBe(true);
  });

  it('segments that all refer to one another are false', () => {
    const names = Array.from({ length: 40 }, (_, index) => `s${index}`);
    const references = names.map((segment) => ({ segment }));
    const segments = Object.fromEntries(names.map((name) => [name, { any: references }])) as Segments;
    expect(decide({ segment: 's0' }, { userId: 'u' }, segments)).toBe(false);
  });

  it('a cycle is cut where it closes, whichever segment is evaluated first', () => {
    const segments: Segments = {
      a: { any: [{ segment: 'b' }, { attribute: 'x', op: 'exists' }] },
      b: { not: { segment: 'a' } },
    };
    const flag = (segment: string): JsonValue => ({
      $cohort: { rules: [{ id: 'r', when: { segment }, value: true }], defaultValue: false },
    });
    // a = b or x, where b = not (cut, false) = true; b = not (a = (cut, false) or x)
    expect(evaluate('f', flag('a'), {}, segments).value).toBe(true);
    expect(evaluate('f', flag('b'), { x: 1 }, segments).value).toBe(false);
    expect(evaluate('f', flag('b'), {}, segments).value).toBe(true);
  });
});

describe('hostile contexts', () => {
  afterEach(() => {
    Reflect.deleteProperty(Object.prototype, 'polluted');
    Reflect.deleteProperty(Object.prototype, 'rollout');
  });

  it.each([
    '__proto__',
    'constructor',
    'toString',
    'hasOwnProperty',
    'device.__proto__',
    'device.constructor.name',
    'tags.length',
    'tags.0',
    'length',
  ])('%s is a missing attribute', (attribute) => {
    const context = { device: { os: 1 }, tags: ['a'] };
    expect(decide({ attribute, op: 'exists' }, context)).toBe(false);
    expect(decide({ attribute, op: 'exists' }, ['a'])).toBe(false);
    const flag: JsonValue = {
      $cohort: {
        bucketBy: attribute,
        rollout: { variants: [{ value: 1, weight: 100 }] },
        defaultValue: 'default',
      },
    };
    expect(evaluate('f', flag, context)).toStrictEqual(DEFAULT);
  });

  it('an own __proto__ is an attribute like any other', () => {
    const context: unknown = JSON.parse('{"__proto__": "x", "device": {"__proto__": {"a": 1}}}');
    expect(decide({ attribute: '__proto__', op: 'in', values: ['x'] }, context)).toBe(true);
    expect(decide({ attribute: 'device.__proto__.a', op: 'in', values: [1] }, context)).toBe(true);
  });

  it('a polluted prototype has no effect', () => {
    Object.defineProperty(Object.prototype, 'polluted', { value: 'yes', configurable: true });
    Object.defineProperty(Object.prototype, 'rollout', {
      value: { variants: [{ value: 1, weight: 100 }] },
      configurable: true,
    });
    expect(decide({ attribute: 'polluted', op: 'exists' }, {})).toBe(false);
    expect(decide({ segment: 'polluted' }, {})).toBe(false);
    expect(evaluate('f', { $cohort: { defaultValue: 'default' } }, { userId: 'u' })).toStrictEqual(DEFAULT);
  });

  it('a getter that throws is a missing attribute, and the other conditions still count', () => {
    const context = {
      get userId(): string {
        throw new Error('no');
      },
      plan: 'pro',
    };
    expect(decide({ attribute: 'userId', op: 'exists' }, context)).toBe(false);
    expect(decide({ attribute: 'userId', op: 'in', values: ['u'] }, context)).toBe(false);
    expect(decide({ any: [EVERYONE, { attribute: 'plan', op: 'in', values: ['pro'] }] }, context)).toBe(true);
    const flag: JsonValue = {
      $cohort: { rollout: { variants: [{ value: 1, weight: 100 }] }, defaultValue: 'default' },
    };
    expect(evaluate('f', flag, context)).toStrictEqual(DEFAULT);
  });

  it('proxies that throw are missing attributes', () => {
    const { proxy, revoke } = Proxy.revocable<Record<string, unknown>>({}, {});
    revoke();
    const list = new Proxy(['u'], {
      get: () => {
        throw new Error('no');
      },
    });
    for (const context of [proxy, { userId: proxy }, { userId: list }, { a: proxy }]) {
      expect(decide({ attribute: 'userId', op: 'in', values: ['u'] }, context)).toBe(false);
      expect(decide({ attribute: 'a.b', op: 'exists' }, context)).toBe(false);
      expect(
        evaluate(
          'f',
          { $cohort: { rollout: { variants: [{ value: 1, weight: 100 }] }, defaultValue: 'default' } },
          context,
        ),
      ).toStrictEqual(DEFAULT);
    }
  });

  it.each<unknown>([undefined, null, 5, 'text', true, Symbol('s'), [], () => undefined])(
    'the context may be anything: case %#',
    (context) => {
      expect(decide({ attribute: 'userId', op: 'exists' }, context)).toBe(false);
      expect(decide({ not: EVERYONE }, context)).toBe(true);
    },
  );

  it('NaN is not equal to, before or after anything', () => {
    const list = [Number.NaN, ...Array.from({ length: 20 }, (_, index) => index)];
    for (const values of [[Number.NaN], [Number.NaN, 1], list]) {
      for (const op of ['in', 'lt', 'lte', 'gt', 'gte', 'before', 'after']) {
        expect(decide({ attribute: 'n', op, values }, { n: Number.NaN }), op).toBe(false);
      }
    }
    // A NaN among the operands does not affect the others.
    expect(decide({ attribute: 'n', op: 'lt', values: [Number.NaN, 5] }, { n: 1 })).toBe(true);
  });

  it('an array of any length is searched to its end, but not arrays inside it', () => {
    const long = Array.from({ length: 200_000 }, (_, index) => `t${index}`);
    expect(decide({ attribute: 'tags', op: 'in', values: ['t199999'] }, { tags: long })).toBe(true);
    expect(decide({ attribute: 'tags', op: 'in', values: long }, { tags: ['t199999'] })).toBe(true);
    expect(decide({ attribute: 'tags', op: 'in', values: ['a'] }, { tags: [['a'], { a: 'a' }] })).toBe(false);
  });

  it('a value that JSON cannot carry matches nothing', () => {
    for (const value of [1n, Symbol('a'), () => 'a', new Date(), new String('a'), new Map([['a', 1]])]) {
      for (const op of ['in', 'contains', 'matches', 'lt', 'before', 'semverEq']) {
        expect(
          decide({ attribute: 'a', op, values: ['a', 1, '2026-01-01T00:00:00Z', '1.0.0'] }, { a: value }),
        ).toBe(false);
      }
    }
  });

  it('any value and any context are evaluated without an error', () => {
    const stored = fc.oneof(
      fc.jsonValue(),
      fc.record({ $cohort: fc.anything() }),
      fc.record({
        $cohort: fc.record({
          rules: fc.array(fc.anything()),
          rollout: fc.anything(),
          bucketBy: fc.anything(),
          salt: fc.anything(),
          defaultValue: fc.jsonValue(),
        }),
      }),
    );
    fc.assert(
      fc.property(
        stored,
        fc.anything({
          withNullPrototype: true,
          withMap: true,
          withDate: true,
          withBigInt: true,
          withSparseArray: true,
        }),
        (value, context) => {
          const { source } = evaluate('flag', value as JsonValue, context as Record<string, unknown>);
          expect(['raw', 'rule', 'rollout', 'default']).toContain(source);
        },
      ),
      { numRuns: runs(500, 2_000) },
    );
    const flag = Object.freeze({ $cohort: Object.freeze({ rules: Object.freeze([]), defaultValue: 1 }) });
    expect(compile('f', flag as unknown as JsonValue)(Object.freeze({ userId: 'u' })).value).toBe(1);
  });
});
