import { describe, expect, it } from 'vitest';
import { compareVersions, isSemanticVersion } from './semantic-version.ts';

describe('the order of versions (semver.org, section 11)', () => {
  const ascending = [
    '0.9.9',
    '1.0.0-0',
    '1.0.0-2',
    '1.0.0-11',
    '1.0.0-999',
    '1.0.0--',
    '1.0.0-a',
    '1.0.0-a.0',
    '1.0.0-a.0.0',
    '1.0.0-a.b',
    '1.0.0-ab',
    '1.0.0-abc',
    '1.0.0-alpha',
    '1.0.0-beta',
    '1.0.0-rc.2',
    '1.0.0-rc.11',
    '1.0.0',
    '1.0.1',
    '1.0.10',
    '1.2.0-rc',
    '1.2',
    '2',
    '10.0.0',
    '9007199254740992.0.0',
    '9007199254740993.0.0',
  ];

  it.each(ascending.map((version, index) => [version, index] as const))('%s', (version, index) => {
    for (const [other, right] of ascending.entries()) {
      const order = Math.sign(compareVersions(version, right));
      expect(order, `${version} and ${right}`).toBe(Math.sign(index - other));
    }
  });

  it.each([
    ['1', '1.0.0'],
    ['1.2', '1.2.0'],
    ['1-rc', '1.0.0-rc'],
    ['1.0.0+build.5', '1.0.0+other'],
    ['1.0.0-a+build.5', '1.0.0-a'],
    ['1.0.0-a.1+build', '1.0.0-a.1+other'],
  ])('%s is %s', (left, right) => {
    expect(compareVersions(left, right)).toBe(0);
    expect(compareVersions(right, left)).toBe(0);
  });
});

describe('a semantic version', () => {
  it.each(['0', '1.20', '1.0.0-0a.-.b+00.-', '1-a', '1+b'])('%s is one', (text) => {
    expect(isSemanticVersion(text)).toBe(true);
  });

  it.each([
    '',
    'v1',
    '01',
    '1.02',
    '1.0.00',
    '1.',
    '1.0.0.0',
    '1-',
    '1-a..b',
    '1-00',
    '1+',
    '1+a..b',
    '1 ',
    ' 1',
  ])('"%s" is not one', (text) => {
    expect(isSemanticVersion(text)).toBe(false);
  });

  it('is a string', () => {
    for (const value of [1, null, undefined, ['1']]) expect(isSemanticVersion(value)).toBe(false);
  });
});
