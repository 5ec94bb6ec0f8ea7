/**
 * Folds a text for comparisons without case: code point by code point, by Unicode's simple case folding, as a regular
 * expression with the flags `iu` does. Lower-casing a whole text is not that: it looks at the letters around a sigma.
 */
export function foldCase(text: string): string {
  for (let index = 0; index < text.length; index++) {
    if (text.charCodeAt(index) > 0x7f) return foldCodePoints(text);
  }
  return text.toLowerCase();
}

function foldCodePoints(text: string): string {
  let folded = '';
  for (const character of text) {
    let fold = known.get(character);
    if (fold === undefined) {
      fold = foldCharacter(character);
      if (known.size >= MAX_KNOWN) known.clear();
      known.set(character, fold);
    }
    folded += fold;
  }
  return folded;
}

/** Folded characters. Texts use few of the thousands that have case; the limit is for hostile ones. */
const known = new Map<string, string>();
const MAX_KNOWN = 2_000;

/** Characters that their upper and lower case do not lead to the folded one: they share it with one other character. */
const EXCEPTIONS: ReadonlyMap<string, string> = new Map([
  // Its upper case is I, but only Turkish folds the two together.
  ['\u0131', '\u0131'],
  ['\u1fd3', '\u0390'],
  ['\u1fe3', '\u03b0'],
  ['\ufb05', '\ufb06'],
]);

/**
 * Lower, upper and lower case again: the way through upper case brings letters together that have one upper case, as σ
 * and ς do. A mapping to several characters does not count: ß is not SS.
 */
function foldCharacter(character: string): string {
  const exception = EXCEPTIONS.get(character);
  if (exception !== undefined) return exception;
  const lower = singleOr(character, character.toLowerCase());
  const upper = singleOr(lower, lower.toUpperCase());
  return singleOr(upper, upper.toLowerCase());
}

function singleOr(character: string, mapped: string): string {
  const [only, another] = mapped;
  return only !== undefined && another === undefined ? only : character;
}

/** Beyond these, folding each text is the better way: a pattern takes memory, and tries one operand after another. */
const MAX_OPERANDS = 8;
const MAX_PATTERN_LENGTH = 200;

/**
 * A test for a text that contains one of a few operands without regard to case; undefined if they are too many or too
 * long. It is twice as fast as folding the text.
 */
export function foldedPattern(
  operands: readonly string[],
  start: '' | '^',
  end: '' | '$',
): ((text: string) => boolean) | undefined {
  const source = operands.map((operand) => operand.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')).join('|');
  const isShort =
    operands.length > 0 && operands.length <= MAX_OPERANDS && source.length <= MAX_PATTERN_LENGTH;
  if (!isShort) return undefined;
  const pattern = new RegExp(`${start}(?:${source})${end}`, 'iu');
  return (text) => pattern.test(text);
}
