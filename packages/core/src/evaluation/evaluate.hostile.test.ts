import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { compile, evaluate, type JsonValue, type Segments } from '../index.ts';
import { runs } from '../test-support/runs.ts';

const DEFAULT = { value: 'default', source: 'default' };

/** Whether a context matches a condition, hostile as both may be. */
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
    ['rules no list', { rules: 'x' }],
    ['rules an object', { rules: { 0: { id: 'r', when: { all: [] }, value: 1 } } }],
    ['rules null', { rules: null }],
    ['rules of rubbish', { rules: [null, 1, 'x', [], {}] }],
    ['a rule without an id', { rules: [{ when: { all: [] }, value: 1 }] }],
    ['a rule with a numeric id', { rules: [{ id: 1, when: { all: [] }, value: 1 }] }],
    ['a rule without a condition', { rules: [{ id: 'r', value: 1 }] }],
    ['a rule with nothing to give', { rules: [{ id: 'r', when: { all: [] } }] }],
    [
      'a rule with a value and a rollout',
      { rules: [{ id: 'r', when: { all: [] }, value: 1, rollout: { variants: [] } }] },
    ],
    ['a rollout that is null', { rollout: null }],
    ['a rollout that is a list', { rollout: [] }],
    ['a rollout without variants', { rollout: {} }],
    ['variants no list', { rollout: { variants: {} } }],
    ['variants of rubbish', { rollout: { variants: [null] } }],
    ['a variant without a value', { rollout: { variants: [{ weight: 100 }] } }],
    ['a variant without a weight', { rollout: { variants: [{ value: 1 }] } }],
    ['a weight that is a text', { rollout: { variants: [{ value: 1, weight: '100' }] } }],
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
    ['a weight that is no number', { rollout: { variants: [{ value: 1, weight: Number.NaN }] } }],
    ['bucketBy no text', { bucketBy: 5, rollout: { variants: [{ value: 1, weight: 100 }] } }],
    ['salt no text', { salt: {}, rollout: { variants: [{ value: 1, weight: 100 }] } }],
  ])('%s: the default', (_, cohort) => {
    const flag = { $cohort: { ...(cohort as object), defaultValue: 'default' } } as JsonValue;
    expect(evaluate('flag', flag, { userId: 'u' })).toStrictEqual(DEFAULT);
  });

  it.each([null, 5, 'x', true, []])('a $cohort that is %j answers null by default', ($cohort) => {
    expect(evaluate('flag', { $cohort } as JsonValue)).toStrictEqual({ value: null, source: 'default' });
  });

  it('a cohort without a default answers null by default', () => {
    expect(evaluate('flag', { $cohort: {} })).toStrictEqual({ value: null, source: 'default' });
  });

  it('a malformed rule does not hide the ones after it', () => {
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

  it('weights past 100 leave nothing to those after', () => {
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

  it('takes 32 levels, and a condition beyond is false whatever it negates', () => {
    const context = { userId: 'u' };
    expect(decide(nest('all', 32, EVERYONE), context)).toBe(true);
    expect(decide(nest('all', 33, EVERYONE), context)).toBe(false);
    expect(decide(nest('not', 31, EVERYONE), context)).toBe(true);
    for (const levels of [33, 34, 100_000, 100_001]) {
      expect(decide(nest('not', levels, EVERYONE), context)).toBe(false);
      expect(decide(nest('not', levels, { any: [] }), context)).toBe(false);
    }
  });

  it('takes a long chain of segments, and neither overflows nor hangs on one beyond sense', () => {
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

  it('a segment that grows exponentially is false, and so is what refers to it', () => {
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

  it('segments that all refer to one another come to an end', () => {
    const names = Array.from({ length: 40 }, (_, index) => `s${index}`);
    const references = names.map((segment) => ({ segment }));
    const segments = Object.fromEntries(names.map((name) => [name, { any: references }])) as Segments;
    expect(decide({ segment: 's0' }, { userId: 'u' }, segments)).toBe(false);
  });

  it('cycles are cut where they close, whichever segment is asked first', () => {
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
  ])('there is no attribute %s', (attribute) => {
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

  it('an own __proto__ is an attribute as any other', () => {
    const context: unknown = JSON.parse('{"__proto__": "x", "device": {"__proto__": {"a": 1}}}');
    expect(decide({ attribute: '__proto__', op: 'in', values: ['x'] }, context)).toBe(true);
    expect(decide({ attribute: 'device.__proto__.a', op: 'in', values: [1] }, context)).toBe(true);
  });

  it('a polluted prototype has no say', () => {
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

  it('NaN equals, precedes and follows nothing', () => {
    const list = [Number.NaN, ...Array.from({ length: 20 }, (_, index) => index)];
    for (const values of [[Number.NaN], [Number.NaN, 1], list]) {
      for (const op of ['in', 'lt', 'lte', 'gt', 'gte', 'before', 'after']) {
        expect(decide({ attribute: 'n', op, values }, { n: Number.NaN }), op).toBe(false);
      }
    }
    // A NaN among the operands does not spoil the others.
    expect(decide({ attribute: 'n', op: 'lt', values: [Number.NaN, 5] }, { n: 1 })).toBe(true);
  });

  it('arrays of any length are searched to the end, nested ones are not', () => {
    const long = Array.from({ length: 200_000 }, (_, index) => `t${index}`);
    expect(decide({ attribute: 'tags', op: 'in', values: ['t199999'] }, { tags: long })).toBe(true);
    expect(decide({ attribute: 'tags', op: 'in', values: long }, { tags: ['t199999'] })).toBe(true);
    expect(decide({ attribute: 'tags', op: 'in', values: ['a'] }, { tags: [['a'], { a: 'a' }] })).toBe(false);
  });

  it('values of no JSON type match nothing', () => {
    for (const value of [1n, Symbol('a'), () => 'a', new Date(), new String('a'), new Map([['a', 1]])]) {
      for (const op of ['in', 'contains', 'matches', 'lt', 'before', 'semverEq']) {
        expect(
          decide({ attribute: 'a', op, values: ['a', 1, '2026-01-01T00:00:00Z', '1.0.0'] }, { a: value }),
        ).toBe(false);
      }
    }
  });

  it('never throws and never changes its input, whatever both are', () => {
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
          const answer = evaluate('flag', value as JsonValue, context as Record<string, unknown>);
          expect(['raw', 'rule', 'rollout', 'default']).toContain(answer.source);
        },
      ),
      { numRuns: runs(500, 2_000) },
    );
    const flag = Object.freeze({ $cohort: Object.freeze({ rules: Object.freeze([]), defaultValue: 1 }) });
    expect(compile('f', flag as unknown as JsonValue)(Object.freeze({ userId: 'u' })).value).toBe(1);
  });
});

describe('answers', () => {
  it('give the stored value itself, and cannot be changed for others where they are shared', () => {
    const layout = { columns: 3 };
    const run = compile('f', layout);
    expect(run().value).toBe(layout);
    expect(run()).toBe(run({ userId: 'u' }));
    expect(Object.isFrozen(run())).toBe(true);
  });

  it('take the unit as a string, and nothing but strings, numbers and booleans', () => {
    const flag: JsonValue = {
      $cohort: { rollout: { variants: [{ value: 1, weight: 100 }] }, defaultValue: 'default' },
    };
    const bucket = (userId: unknown): unknown => evaluate('f', flag, { userId }).rolloutBucket;
    expect(bucket(12)).toBe(bucket('12'));
    expect(bucket(true)).toBe(bucket('true'));
    expect(bucket(-0)).toBe(bucket('0'));
    for (const missing of ['', null, undefined, {}, [], ['u'], 1n]) expect(bucket(missing)).toBeUndefined();
  });

  it('an own name with a dot goes before the path', () => {
    const when = { attribute: 'app.version', op: 'in', values: ['own'] };
    expect(decide(when, { 'app.version': 'own', app: { version: 'path' } })).toBe(true);
    expect(decide(when, { app: { version: 'own' } })).toBe(true);
    expect(decide(when, { 'app.version': null, app: { version: 'own' } })).toBe(false);
  });

  it('ignoreCase leaves the classes of a pattern as they are', () => {
    const when = { attribute: 'a', op: 'matches', values: ['^\\D+$', '^\\p{Lu}{2}$'], ignoreCase: true };
    expect(decide(when, { a: 'NL' })).toBe(true);
    expect(decide(when, { a: '12' })).toBe(false);
  });

  it('a leap second ends a day in UTC and no other minute', () => {
    const isAfter = (at: string): unknown =>
      decide({ attribute: 'at', op: 'after', values: ['2016-12-31T23:59:59.9Z'] }, { at });
    expect(isAfter('2016-12-31T23:59:60Z')).toBe(true);
    expect(isAfter('2017-01-01T00:59:60+01:00')).toBe(true);
    expect(isAfter('2017-01-01T12:00:60Z')).toBe(false);
    expect(isAfter('2017-01-01T12:00:61Z')).toBe(false);
  });

  it('fractions below a millisecond count', () => {
    const when = { attribute: 'at', op: 'after', values: ['2026-01-01T00:00:00.001Z'] };
    expect(decide(when, { at: '2026-01-01T00:00:00.0015Z' })).toBe(true);
    expect(decide(when, { at: '2026-01-01T00:00:00.001000Z' })).toBe(false);
  });
});
