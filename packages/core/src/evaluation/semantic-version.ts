// The grammar of semver.org, with minor and patch optional.
const NUMERIC = '(?:0|[1-9][0-9]*)';
const IDENTIFIER = `(?:${NUMERIC}|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*)`;
const VERSION = new RegExp(
  `^${NUMERIC}(?:\\.${NUMERIC}){0,2}(?:-${IDENTIFIER}(?:\\.${IDENTIFIER})*)?(?:\\+[0-9a-zA-Z-]+(?:\\.[0-9a-zA-Z-]+)*)?$`,
);

const DOT = 46;
const HYPHEN = 45;
const PLUS = 43;
const ZERO = 48;
const NINE = 57;

/** Whether a value is a semantic version. Minor and patch may be left out; a leading `v` or zero is not allowed. */
export function isSemanticVersion(value: unknown): value is string {
  return typeof value === 'string' && VERSION.test(value);
}

/**
 * Compares two strings that passed {@link isSemanticVersion} (semver.org, section 11): negative, 0 or positive. Build
 * metadata is ignored. Numbers of any length compare exactly; allocates nothing.
 */
export function compareVersions(left: string, right: string): number {
  let a = 0;
  let b = 0;
  for (let part = 0; part < 3; part++) {
    const aEnd = numberEnd(left, a);
    const bEnd = numberEnd(right, b);
    const order = compareNumbers(left, a, aEnd, right, b, bEnd);
    if (order !== 0) return order;
    a = left.charCodeAt(aEnd) === DOT ? aEnd + 1 : aEnd;
    b = right.charCodeAt(bEnd) === DOT ? bEnd + 1 : bEnd;
  }
  const leftIsPre = left.charCodeAt(a) === HYPHEN;
  const rightIsPre = right.charCodeAt(b) === HYPHEN;
  if (!leftIsPre || !rightIsPre) return Number(rightIsPre) - Number(leftIsPre);
  return comparePreReleases(left, a, right, b);
}

/** The positions are those of the hyphens before the first identifiers. */
function comparePreReleases(left: string, leftStart: number, right: string, rightStart: number): number {
  let a = leftStart;
  let b = rightStart;
  for (;;) {
    const aEnd = identifierEnd(left, a + 1);
    const bEnd = identifierEnd(right, b + 1);
    const order = compareIdentifiers(left, a + 1, aEnd, right, b + 1, bEnd);
    if (order !== 0) return order;
    const leftContinues = left.charCodeAt(aEnd) === DOT;
    const rightContinues = right.charCodeAt(bEnd) === DOT;
    if (!leftContinues || !rightContinues) return Number(leftContinues) - Number(rightContinues);
    a = aEnd;
    b = bEnd;
  }
}

function compareIdentifiers(
  left: string,
  a: number,
  aEnd: number,
  right: string,
  b: number,
  bEnd: number,
): number {
  const leftIsNumber = numberEnd(left, a) === aEnd;
  const rightIsNumber = numberEnd(right, b) === bEnd;
  if (leftIsNumber && rightIsNumber) return compareNumbers(left, a, aEnd, right, b, bEnd);
  if (leftIsNumber || rightIsNumber) return leftIsNumber ? -1 : 1;
  return compareCharacters(left, a, aEnd, right, b, bEnd);
}

/** A part that was left out has no digits, and counts as zero. Without leading zeros, more digits are more. */
function compareNumbers(
  left: string,
  a: number,
  aEnd: number,
  right: string,
  b: number,
  bEnd: number,
): number {
  const leftDigits = left.charCodeAt(a) === ZERO ? 0 : aEnd - a;
  const rightDigits = right.charCodeAt(b) === ZERO ? 0 : bEnd - b;
  if (leftDigits !== rightDigits) return leftDigits - rightDigits;
  return leftDigits === 0 ? 0 : compareCharacters(left, a, aEnd, right, b, bEnd);
}

function compareCharacters(
  left: string,
  a: number,
  aEnd: number,
  right: string,
  b: number,
  bEnd: number,
): number {
  const shared = Math.min(aEnd - a, bEnd - b);
  for (let index = 0; index < shared; index++) {
    const order = left.charCodeAt(a + index) - right.charCodeAt(b + index);
    if (order !== 0) return order;
  }
  return aEnd - a - (bEnd - b);
}

function numberEnd(text: string, start: number): number {
  let index = start;
  while (text.charCodeAt(index) >= ZERO && text.charCodeAt(index) <= NINE) index++;
  return index;
}

function identifierEnd(text: string, start: number): number {
  let index = start;
  while (index < text.length && text.charCodeAt(index) !== DOT && text.charCodeAt(index) !== PLUS) index++;
  return index;
}
