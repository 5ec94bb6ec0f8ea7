const DAYS_IN_MONTH: readonly number[] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
const MINUTE_MS = 60_000;
const DAY_MINUTES = 1_440;
/** The calendar repeats after 400 years. `Date.UTC` reads the years 0–99 as 1900–1999, so it is given later ones. */
const CYCLE_YEARS = 400;
const CYCLE_MS = 146_097 * DAY_MINUTES * MINUTE_MS;

/**
 * A point in time in epoch milliseconds, from a finite number or an RFC 3339 date-time (section 5.6). NaN for anything else,
 * such as a date without a time or 30 February. Allocates nothing.
 */
export function epochMs(value: unknown): number {
  if (typeof value === 'number') return Number.isFinite(value) ? value : Number.NaN;
  return typeof value === 'string' ? parseDateTime(value) : Number.NaN;
}

function parseDateTime(text: string): number {
  // 2026-01-01T00:00:00Z
  if (text.length < 20) return Number.NaN;
  const year = digits(text, 0, 4);
  const month = digits(text, 5, 2);
  const day = digits(text, 8, 2);
  const hour = digits(text, 11, 2);
  const minute = digits(text, 14, 2);
  const second = digits(text, 17, 2);
  const separated = isAt(text, 4, '-') && isAt(text, 7, '-') && isAt(text, 13, ':') && isAt(text, 16, ':');
  if (!separated || !(isAt(text, 10, 'T') || isAt(text, 10, 't'))) return Number.NaN;
  if (!(day >= 1 && day <= daysIn(year, month))) return Number.NaN;
  if (!(hour <= 23 && minute <= 59 && second <= 60)) return Number.NaN;
  const zone = fractionEnd(text);
  const utcMinute =
    Date.UTC(year + CYCLE_YEARS, month - 1, day, hour, minute) -
    CYCLE_MS -
    offsetMinutes(text, zone) * MINUTE_MS;
  if (second === 60 && !endsUtcDay(utcMinute)) return Number.NaN;
  return utcMinute + second * 1_000 + fractionMs(text, zone);
}

/** NaN if one of the characters is not a digit; every comparison with it then fails. */
function digits(text: string, start: number, count: number): number {
  let number = 0;
  for (let index = start; index < start + count; index++) {
    const digit = text.charCodeAt(index) - 48;
    if (!(digit >= 0 && digit <= 9)) return Number.NaN;
    number = number * 10 + digit;
  }
  return number;
}

function isAt(text: string, index: number, character: string): boolean {
  return text.charCodeAt(index) === character.charCodeAt(0);
}

/** NaN for a month that does not exist. */
function daysIn(year: number, month: number): number {
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return month === 2 && isLeap ? 29 : (DAYS_IN_MONTH[month - 1] ?? Number.NaN);
}

/** A leap second is the last second of a day in UTC. */
function endsUtcDay(utcMinute: number): boolean {
  const minuteOfDay = (utcMinute / MINUTE_MS) % DAY_MINUTES;
  return minuteOfDay === DAY_MINUTES - 1 || minuteOfDay === -1;
}

/** The index after the seconds and their fraction; -1 if the fraction has no digit or the offset is missing. */
function fractionEnd(text: string): number {
  if (!isAt(text, 19, '.')) return 19;
  let index = 20;
  while (digits(text, index, 1) >= 0) index++;
  return index === 20 ? -1 : index;
}

function fractionMs(text: string, end: number): number {
  let ms = 0;
  // Whole milliseconds are added as integers: 0.789 s must be 789, not 789.0000000000001.
  let unit = 100;
  for (let index = 20; index < end; index++) {
    ms += digits(text, index, 1) * unit;
    unit /= 10;
  }
  return ms;
}

function offsetMinutes(text: string, start: number): number {
  if (isAt(text, start, 'Z') || isAt(text, start, 'z')) return text.length === start + 1 ? 0 : Number.NaN;
  const sign = isAt(text, start, '+') ? 1 : isAt(text, start, '-') ? -1 : Number.NaN;
  const hours = digits(text, start + 1, 2);
  const minutes = digits(text, start + 4, 2);
  const isOffset = text.length === start + 6 && isAt(text, start + 3, ':') && hours <= 23 && minutes <= 59;
  return isOffset ? sign * (hours * 60 + minutes) : Number.NaN;
}
