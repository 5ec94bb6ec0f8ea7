import { describe, expect, it } from 'vitest';
import type { ConditionOperator } from '../wire.ts';
import { foldCase } from './case-folding.ts';
import { evaluate } from './evaluate.ts';

function matches(op: ConditionOperator, value: unknown, ...values: string[]): boolean {
  const when = { attribute: 'a', op, values, ignoreCase: true };
  const stored = { $cohort: { rules: [{ id: 'r', when, value: true }], defaultValue: false } };
  return evaluate('key', stored, { a: value }).value === true;
}

describe('ignoreCase', () => {
  it.each<[ConditionOperator, value: string, operand: string, expected: boolean]>([
    ['startsWith', 'ΣΑΣΑ', 'ΣΑΣ', true],
    ['startsWith', 'ΣΑΣΑ', 'σας', true],
    ['endsWith', 'ΟΔΟΣ', 'ς', true],
    ['endsWith', 'οδος', 'Σ', true],
    ['contains', 'ΑΣ ΑΣΑ', 'ας α', true],
    ['in', 'ΟΔΥΣΣΕΥΣ', 'οδυσσευς', true],
    ['in', 'οδυσσευς', 'οδυσσευσ', true],
    ['in', 'İ', 'i', false],
    ['in', 'İ', 'i̇', false],
    ['in', 'İ', 'İ', true],
    ['in', 'ı', 'I', false],
    ['contains', 'aıb', 'ab', false],
    ['in', 'aı', 'aI', false],
    ['in', 'I', 'i', true],
    ['in', 'ß', 'SS', false],
    ['in', 'ẞ', 'ß', true],
    ['contains', 'STRASSE', 'ß', false],
    ['in', '\u212a', 'k', true],
    ['in', 'ſ', 'S', true],
    ['in', 'ﬃ', 'ffi', false],
    ['in', '\ufb05', '\ufb06', true],
    ['in', '\u1fd3', '\u0390', true],
    ['in', '\u1fe3', '\u03b0', true],
    ['in', 'Ǆ', 'ǅ', true],
    ['in', '𐐀', '𐐨', true],
    ['in', 'Ꭰ', 'ꭰ', true],
    ['in', 'É', 'é', true],
    ['in', 'E\u0301', 'é', false],
    ['matches', 'ΣΑΣΑ', '^σας', true],
    ['startsWith', 'Straße', 'sTR', true],
    ['in', '\ud800', '\ud800', true],
    ['contains', 'x', '', true],
  ])('%s: %s and %s', (op, value, operand, expected) => {
    expect(matches(op, value, operand)).toBe(expected);
    // The same among many operands, which are looked up in a set, and for an element of a list.
    const others = Array.from({ length: 20 }, (_, index) => `other ${index}`);
    expect(matches(op, [1, value], ...others, operand)).toBe(expected);
    if (op === 'in') expect(matches(op, operand, value)).toBe(expected);
  });

  it('takes operands literally, however many there are', () => {
    const literal = 'a.b*c+(d)[e]{f}|^$\\/-g\n';
    const many = Array.from({ length: 20 }, (_, index) => `other ${index}`);
    for (const others of [[], many, ['x'.repeat(300)]]) {
      for (const op of ['in', 'contains', 'startsWith', 'endsWith'] as const) {
        expect(matches(op, literal.toUpperCase(), ...others, literal)).toBe(true);
        expect(matches(op, 'aXb', ...others, 'a.b')).toBe(false);
      }
      expect(matches('in', 'abc', ...others, 'ab')).toBe(false);
      expect(matches('in', 'abc', ...others, 'bc')).toBe(false);
      expect(matches('startsWith', 'cab', ...others, 'ab')).toBe(false);
      expect(matches('endsWith', 'abc', ...others, 'ab')).toBe(false);
      expect(matches('endsWith', 'ab\n', ...others, 'ab')).toBe(false);
      expect(matches('in', 1, ...others, '1')).toBe(false);
    }
  });

  it('folds every character as a regular expression with the flags "iu" does', () => {
    const characters: string[] = [];
    for (let point = 0; point <= 0x10ffff; point++) {
      if (point >= 0xd800 && point <= 0xdfff) continue;
      const character = String.fromCodePoint(point);
      if (character.toLowerCase() !== character || character.toUpperCase() !== character)
        characters.push(character);
      else if (foldCase(character) !== character) throw new Error(`${point} has no case`);
    }
    const byFold = groupBy(characters);
    const text = characters.join('');
    const differences: string[] = [];
    for (const character of characters) {
      const point = character.codePointAt(0)?.toString(16);
      // Unicode 15.1 added these pairs, and the RegExp of a Node.js with an older one does not know them.
      if (/^(390|1fd3|3b0|1fe3|fb05|fb06)$/.test(point ?? '')) continue;
      const byRegExp = text.match(new RegExp(`\\u{${point}}`, 'giu')) ?? [];
      const byFolding = byFold.get(foldCase(character)) ?? [];
      if (byRegExp.join() !== byFolding.join()) differences.push(character);
    }
    expect(differences).toEqual([]);
  });
});

function groupBy(characters: readonly string[]): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const character of characters) {
    const fold = foldCase(character);
    groups.set(fold, [...(groups.get(fold) ?? []), character]);
  }
  return groups;
}
