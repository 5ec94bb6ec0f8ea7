import { describe, expect, it } from 'vitest';
import { epochMs } from './date-time.ts';

describe('an RFC 3339 date-time', () => {
  it.each([
    '2026-01-01T00:00:00Z',
    '2026-12-31T23:59:59.999Z',
    '1969-12-31T23:59:59.5-00:30',
    '0000-02-29T00:00:00Z',
    '0099-06-15T12:30:15+23:59',
    '2000-02-29T00:00:00Z',
    '2024-02-29T00:00:00-23:59',
    '9999-04-30T00:00:00.7Z',
  ])('%s is what Date.parse makes of it', (text) => {
    expect(epochMs(text)).toBe(Date.parse(text));
  });

  it('may have a lower-case t and z', () => {
    expect(epochMs('2026-01-01t00:00:00z')).toBe(Date.UTC(2026, 0, 1));
  });

  it('may have any number of decimals; whole milliseconds are exact', () => {
    const fractions = ['.1', '.12', '.789', '.0015', '.00025', '.0000000'];
    const expected = [100, 120, 789, 1.5, 0.25, 0];
    expect(fractions.map((fraction) => epochMs(`1970-01-01T00:00:00${fraction}Z`))).toEqual(expected);
  });

  it('may have a leap second at the end of any day in UTC', () => {
    const leap = ['1960-12-31T23:59:60Z', '1969-12-31T23:59:60Z', '2016-12-31T15:59:60-08:00'];
    const next = [Date.UTC(1961, 0), 0, Date.UTC(2017, 0)];
    expect(leap.map(epochMs)).toEqual(next);
  });
});

describe('a text is not a date-time', () => {
  it.each([
    ['of a date alone', '2026-01-01'],
    ['without an offset', '2026-01-01T00:00:00'],
    ['with another first separator', '2026/01-01T00:00:00Z'],
    ['with another second separator', '2026-01/01T00:00:00Z'],
    ['with a space in place of the T', '2026-01-01 00:00:00Z'],
    ['with a dot after the hour', '2026-01-01T00.00:00Z'],
    ['with a dot after the minute', '2026-01-01T00:00.00Z'],
    ['in month 0', '2026-00-01T00:00:00Z'],
    ['in month 13', '2026-13-01T00:00:00Z'],
    ['on day 0', '2026-01-00T00:00:00Z'],
    ['on 32 January', '2026-01-32T00:00:00Z'],
    ['on 31 April', '2026-04-31T00:00:00Z'],
    ['on 29 February 2026', '2026-02-29T00:00:00Z'],
    ['on 29 February 1900', '1900-02-29T00:00:00Z'],
    ['in hour 24', '2026-01-01T24:00:00Z'],
    ['in minute 60', '2026-01-01T00:60:00Z'],
    ['in second 61', '2026-12-31T23:59:61Z'],
    ['with a leap second before the end of the day', '2026-12-31T23:58:60Z'],
    ['with a dot but no fraction', '2026-01-01T00:00:00.Z'],
    ['with more after the Z', '2026-01-01T00:00:00Zx'],
    ['with more after the offset', '2026-01-01T00:00:00+01:000'],
    ['with a short offset', '2026-01-01T00:00:00+01:0'],
    ['with an offset without colon', '2026-01-01T00:00:00+01x00'],
    ['with an offset of 24 hours', '2026-01-01T00:00:00+24:00'],
    ['with an offset of 60 minutes', '2026-01-01T00:00:00+00:60'],
    ['with an offset without sign', '2026-01-01T00:00:00 01:00'],
    // The characters before 0 and after 9.
    ['with a slash in a number', '2026-01-1/T00:00:00Z'],
    ['with a colon in a number', '2026-01-0:T00:00:00Z'],
  ])('%s', (_, text) => {
    expect(epochMs(text)).toBeNaN();
  });
});

describe('a number', () => {
  it('is in epoch milliseconds, and must be finite', () => {
    expect(epochMs(-0.5)).toBe(-0.5);
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, '5', null, 5n, new Date(5)])
      expect(epochMs(value)).toBeNaN();
  });
});
