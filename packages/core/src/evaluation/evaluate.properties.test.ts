import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compile, compileSegments, evaluate, type JsonValue } from '../index.ts';
import { context, SEGMENTS, segments, stored, VERSIONS } from '../test-support/arbitrary-targeting.ts';
import { runs } from '../test-support/runs.ts';
import { slowDate, slowEvaluate, slowVersionOrder } from '../test-support/slow-interpreter.ts';

describe('evaluate and compile, compared with the slow interpreter', () => {
  it('agree on any flag, context and segments, including cyclic ones', () => {
    const contexts = fc.array(context, { minLength: 4, maxLength: 4 });
    fc.assert(
      fc.property(stored, contexts, segments, (value, subjects, all) => {
        const shared = compileSegments(all);
        const run = compile('flag', value, shared);
        for (const subject of subjects) {
          const expected = slowEvaluate('flag', value, subject, all);
          expectSame(run(subject), expected);
        }
        const [subject = {}] = subjects;
        expectSame(evaluate('flag', value, subject, all), slowEvaluate('flag', value, subject, all));
        // The segments that one flag has compiled must not change the result of another.
        for (const name of SEGMENTS) {
          const flag: JsonValue = {
            $cohort: { rules: [{ id: 'r', when: { segment: name }, value: true }], defaultValue: false },
          };
          expectSame(compile('flag', flag, shared)(subject), slowEvaluate('flag', flag, subject, all));
        }
      }),
      { numRuns: runs(2_000, 25_000) },
    );
  });

  it('agree on every pair of versions', () => {
    for (const left of VERSIONS) {
      for (const right of VERSIONS) {
        const order = slowVersionOrder(left, right);
        const holds = (op: string): unknown => decide({ attribute: 'v', op, values: [right] }, { v: left });
        const expected = [order === 0, order !== undefined && order < 0, order !== undefined && order > 0];
        expect([holds('semverEq'), holds('semverLt'), holds('semverGt')], `${left} ${right}`).toStrictEqual(
          expected,
        );
      }
    }
  });

  it('agree on dates of any year and offset', () => {
    const number = (min: number, max: number, width = 2): fc.Arbitrary<string> =>
      fc.integer({ min, max }).map((value) => String(value).padStart(width, '0'));
    const text = fc
      .tuple(number(0, 9999, 4), number(0, 13), number(0, 32), number(0, 24), number(0, 60), number(0, 59))
      .chain(([year, month, day, hour, minute, second]) =>
        fc
          .tuple(
            fc.constantFrom('', '.5', '.789', '.007'),
            fc.oneof(
              fc.constant('Z'),
              fc
                .tuple(fc.constantFrom('+', '-'), number(0, 23), number(0, 59))
                .map(([sign, h, m]) => `${sign}${h}:${m}`),
            ),
          )
          .map(([fraction, zone]) => `${year}-${month}-${day}T${hour}:${minute}:${second}${fraction}${zone}`),
      );
    fc.assert(
      fc.property(text, (date) => {
        const ms = slowDate(date);
        const at = (op: string, operand: number): unknown =>
          decide({ attribute: 'at', op, values: [operand] }, { at: date });
        const isDate = !Number.isNaN(ms);
        // A text that is not a date is neither before nor after any other time.
        const near = isDate ? ms : 0;
        const found = [at('before', near + 1), at('before', near), at('after', near), at('after', near - 1)];
        expect(found).toStrictEqual(isDate ? [true, false, false, true] : [false, false, false, false]);
      }),
      { numRuns: runs(500, 2_000) },
    );
  });
});

/** As `toStrictEqual`, which is too slow to be called this often. */
function expectSame(actual: unknown, expected: unknown): void {
  if (!isDeepStrictEqual(actual, expected)) expect(actual).toStrictEqual(expected);
}

function decide(when: unknown, subject: Record<string, unknown>): unknown {
  const flag = { $cohort: { rules: [{ id: 'r', when, value: true }], defaultValue: false } } as JsonValue;
  return evaluate('flag', flag, subject).value;
}
