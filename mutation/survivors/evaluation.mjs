const folder = 'packages/core/src/evaluation';

const SPEED = 'Only speed: the general case gives the same result.';
const MEMORY = 'Only memory: the limit protects against hostile rulesets.';
const GUARD =
  'Equivalent: a guard for the type checker only, or one index beyond a list, where nothing matches.';

export const evaluation = [
  {
    file: `${folder}/condition-node.ts`,
    reason: 'A placeholder that gives all nodes the same shape. It is never read.',
    mutants: [
      'false → true',
      "{ name: '', path: undefined } → {}",
      `'' → "Stryker was here!"`,
      '[] → ["Stryker was here"]',
      '() => false → () => undefined',
    ],
  },
  {
    file: `${folder}/condition-node.ts`,
    reason: SPEED,
    mutants: [
      'members.length === 1 && only !== undefined → false',
      'only !== undefined → only === undefined',
      'path === undefined → false',
    ],
  },
  {
    file: `${folder}/condition-node.ts`,
    reason: GUARD,
    mutants: [
      'only !== undefined → true',
      'index < members.length → index <= members.length',
      'member !== undefined → true',
      'index < value.length → index <= value.length',
    ],
  },
  {
    file: `${folder}/condition-node.ts`,
    reason: 'Equivalent: what is not an object has no elements, and every test refuses `undefined`.',
    mutants: ["typeof value === 'object' → true", 'value === undefined → false'],
  },
  {
    file: `${folder}/bucket.ts`,
    reason: `${SPEED} It hashes any characters; the faster paths are for ASCII.`,
    mutants: [
      'index < whole → false',
      'word < 0 → true',
      'word < 0 → word <= 0',
      'code > 0x7f → true',
      'code > 0x7f → code >= 0x7f',
      '(first | second | third | fourth) > 0x7f → true',
      '(first | second | third | fourth) > 0x7f → (first | second | third | fourth) >= 0x7f',
    ],
  },
  {
    file: `${folder}/case-folding.ts`,
    reason: SPEED,
    mutants: [
      'index < text.length → index <= text.length',
      'text.charCodeAt(index) > 0x7f → true',
      'text.charCodeAt(index) > 0x7f → text.charCodeAt(index) >= 0x7f',
      'fold === undefined → true',
      'known.size >= MAX_KNOWN → true',
    ],
  },
  {
    file: `${folder}/case-folding.ts`,
    reason: MEMORY,
    mutants: [
      'known.size >= MAX_KNOWN → false',
      'known.size >= MAX_KNOWN → known.size > MAX_KNOWN',
      'known.size >= MAX_KNOWN → known.size < MAX_KNOWN',
    ],
  },
  {
    file: `${folder}/case-folding.ts`,
    reason: 'Equivalent: a test compares the folding of every character with that of the engine.',
    mutants: ['character.toLowerCase() → character.toUpperCase()', 'only !== undefined → true'],
  },
  {
    file: `${folder}/case-folding.ts`,
    reason:
      'Only speed: the choice between a pattern and folding each text. The tests give both the same cases.',
    mutants: [
      '{ const source = operands.map((operand) => operand.replace(/[\\\\^$.*+?()[\\]{}|/]… → {}',
      'operands.length > 0 && operands.length <= MAX_OPERANDS && source.length <= MAX_… → false',
      'operands.length <= MAX_OPERANDS → true',
      'operands.length <= MAX_OPERANDS → operands.length < MAX_OPERANDS',
      'operands.length <= MAX_OPERANDS → operands.length > MAX_OPERANDS',
      'source.length <= MAX_PATTERN_LENGTH → true',
      'source.length <= MAX_PATTERN_LENGTH → source.length < MAX_PATTERN_LENGTH',
      'source.length <= MAX_PATTERN_LENGTH → source.length > MAX_PATTERN_LENGTH',
      '!isShort → true',
    ],
  },
  {
    file: `${folder}/semantic-version.ts`,
    reason: 'Equivalent: a version has no fourth number, and two missing ones are equal.',
    mutants: ['part < 3 → part <= 3'],
  },
  {
    file: `${folder}/date-time.ts`,
    reason: 'Equivalent: the missing or wrong characters make the result NaN later.',
    mutants: ['text.length < 20 → false', '-1 → +1'],
  },
  {
    file: `${folder}/operators.ts`,
    reason: 'Equivalent: strings are tested before, so that the list of the other operands sees none.',
    mutants: [
      "wanted.filter((operand) => typeof operand !== 'string') → wanted",
      "typeof operand !== 'string' → true",
      `'string' → ""`,
    ],
  },
  {
    file: `${folder}/operators.ts`,
    reason: SPEED,
    mutants: [
      'wanted.length === 0 → false',
      'wanted.length === 1 → false',
      'wanted.length <= SHORT_LIST → true',
      'wanted.length <= SHORT_LIST → false',
      'wanted.length <= SHORT_LIST → wanted.length < SHORT_LIST',
      'wanted.length <= SHORT_LIST → wanted.length > SHORT_LIST',
      'operands.length <= SHORT_LIST → true',
      'operands.length <= SHORT_LIST → false',
      'operands.length <= SHORT_LIST → operands.length < SHORT_LIST',
      'operands.length <= SHORT_LIST → operands.length > SHORT_LIST',
      '{ return operands.length <= SHORT_LIST; } → {}',
      'pattern !== undefined → false',
      '{ const [only] = wanted; return (value) => value === only; } → {}',
    ],
  },
  {
    file: `${folder}/operators.ts`,
    reason: 'Only speed: without a usable operand, nothing is compared or every comparison is false.',
    mutants: [
      'patterns.length === 0 → false',
      'bound === undefined → false',
      'versions.length === 0 → false',
      'texts.length === 0 → false',
    ],
  },
  {
    file: `${folder}/operators.ts`,
    reason: 'Equivalent: `undefined` is returned, or counts as false.',
    mutants: ['{ return undefined; } → {}', '() => false → () => undefined'],
  },
  {
    file: `${folder}/attribute.ts`,
    reason: SPEED,
    mutants: ['known !== undefined → false', `'.' → ""`, '{ [name]: true } → {}', 'true → false'],
  },
  {
    file: `${folder}/attribute.ts`,
    reason: 'Equivalent: every read of the missing context throws, and so counts as a missing attribute.',
    mutants: ['{ // Even `Array.isArray` throws for a revoked proxy. return NO_ATTRIBUTES; } → {}'],
  },
  {
    file: `${folder}/attribute.ts`,
    reason: MEMORY,
    mutants: [
      'name.length <= MAX_KEPT_LENGTH → true',
      'name.length <= MAX_KEPT_LENGTH → name.length < MAX_KEPT_LENGTH',
      'parsed.size >= MAX_KEPT → false',
      'parsed.size >= MAX_KEPT → parsed.size > MAX_KEPT',
    ],
  },
  {
    file: `${folder}/conditions.ts`,
    reason: 'Equivalent: a member that is not an object adds no level.',
    mutants: ['[] → ["Stryker was here"]'],
  },
  {
    file: `${folder}/conditions.ts`,
    reason:
      'Only speed: frequent comparisons have kinds of their own. The tests give all kinds the same cases.',
    mutants: [
      "operator === 'in' && operands.length === 1 && isComparable(operand) → false",
      `'in' → ""`,
      "isOnlyOne && !(ignoreCase && typeof operand === 'string') → false",
      "ignoreCase && typeof operand === 'string' → true",
      "ignoreCase && typeof operand === 'string' → ignoreCase || typeof operand === 'string'",
      "typeof operand === 'string' → true",
      "operator === 'in' && !ignoreCase && isShortList(operands) → false",
      'operands.filter(isComparable).slice() → operands.filter(isComparable)',
      '{ return oneOfNode(attribute, operands.filter(isComparable).slice()); } → {}',
    ],
  },
  {
    file: `${folder}/cohort.ts`,
    reason: 'Equivalent: after the last rule there is none, and a missing property is undefined.',
    mutants: [
      'index < rules.length → index <= rules.length',
      'variants[variant]?.stored → variants[variant].stored',
      '{ rule: undefined, ruleId: undefined, variant: undefined } → {}',
    ],
  },
  {
    file: `${folder}/compile-cohort.ts`,
    reason: 'Only speed or memory: hidden classes, shared hashes, spare capacity and the quick comparison.',
    mutants: [
      'attribute === undefined → true',
      'attribute === undefined → false',
      'attribute === undefined → attribute !== undefined',
      'parts.salt !== this.#bucketing.salt → true',
      'this.#scalars.slice() → this.#scalars',
      'this.#conditions.length === 0 → false',
      'this.#conditions.slice() → this.#conditions',
      'operands === undefined || operands.length === 0 → true',
    ],
  },
  {
    file: `${folder}/compile-cohort.ts`,
    reason:
      'Equivalent: nothing refers to the added entry, a malformed rollout has no bucket, and what a rule with a rollout would have as its value is not read.',
    mutants: [
      '[] → ["Stryker was here"]',
      '{ attribute: undefined, salt: undefined, variants: [] } → {}',
      '{ value: DEFAULT_VALUE, isRefused: false } → {}',
      'false → true',
    ],
  },
  {
    file: `${folder}/compile-cohort.ts`,
    reason: 'Equivalent: then 0 has the key of its own, and a map takes -0 for 0.',
    mutants: ['-0 → +0'],
  },
  {
    file: `${folder}/compiled-segments.ts`,
    reason: 'No other error is thrown there, and without a form no member is read.',
    mutants: [
      '{ if (error instanceof ExpansionTooLarge) return undefined; throw error; } → {}',
      'error instanceof ExpansionTooLarge → true',
      'form === undefined → false',
    ],
  },
  {
    file: `${folder}/compiled-segments.ts`,
    reason: 'Only speed: a segment is compiled again instead of being shared.',
    mutants: [
      '!known.isCyclic || expansion.active.length === 0 → !known.isCyclic && expansion.active.length === 0',
      'expansion.active.length === 0 → false',
      'expansion.cut ?? position → expansion.cut && position',
      'cut === position → false',
      'cut !== undefined → true',
      'outerCut ?? cut → outerCut && cut',
    ],
  },
  {
    file: `${folder}/program.ts`,
    reason: GUARD,
    mutants: [
      'index < rules.length → index <= rules.length',
      'rule === undefined → false',
      'condition !== undefined → true',
      'index < variants.length → index <= variants.length',
      'variant !== undefined → true',
      'state === undefined → false',
    ],
  },
  {
    file: `${folder}/program.ts`,
    reason:
      'Equivalent: without an attribute, the read throws, and a catch block that returns nothing returns undefined.',
    mutants: [
      'attribute === undefined → false',
      '{ // A getter or proxy in the context threw: the attribute is missing. return f… → {}',
      '{ // A getter or a proxy in the context threw: the attribute is missing. return… → {}',
    ],
  },
  {
    file: `${folder}/program.ts`,
    reason: 'Only speed: the longer way has the same result, and the first of the values is the default.',
    mutants: [
      'path === undefined → false',
      "typeof value === 'object' → true",
      'index === DEFAULT_VALUE → false',
    ],
  },
  {
    file: `${folder}/program.ts`,
    reason: 'Equivalent: ids are strings, and nothing is stored at -1.',
    mutants: ['index === NONE → false', "typeof id === 'string' → true"],
  },
];
