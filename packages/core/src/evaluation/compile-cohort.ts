import { ownProperty } from '../lib/record.ts';
import { parseAttribute } from './attribute.ts';
import { type HashState, prepareSalt } from './bucket.ts';
import {
  type Bucketing,
  bucketingOf,
  DEFAULT_PLACE,
  defaultValueOf,
  isWellFormedRule,
  type ParsedValue,
  rolloutParts,
  rulesOf,
  storedValue,
  type ValueParser,
  type ValuePlace,
} from './cohort.ts';
import { type ConditionNode, equalityOperands } from './condition-node.ts';
import {
  DEFAULT_VALUE,
  NONE,
  type Program,
  type RolloutShape,
  type RuleCondition,
  type RuleOutcome,
  type RuleShape,
} from './program.ts';
import { sharedShape, sharedValues } from './shared-shapes.ts';

export interface ConditionCompiler {
  compile: (condition: unknown) => ConditionNode;
}

interface CompileOptions<Value> {
  readonly conditions: ConditionCompiler;
  readonly parse: ValueParser<Value>;
}

/** Compiles a cohort. Never throws: a malformed part never matches. */
export function compileCohort<Value>(
  key: string,
  cohort: Record<string, unknown>,
  options: CompileOptions<Value>,
): Program<Value> {
  const defaultValue = options.parse(defaultValueOf(cohort), DEFAULT_PLACE);
  const builder = new ProgramBuilder(options, defaultValue, bucketingOf(key, cohort));
  rulesOf(cohort).forEach((rule, index) => {
    builder.addRule(rule, index);
  });
  const rollout = Object.hasOwn(cohort, 'rollout')
    ? builder.rollout(cohort.rollout, DEFAULT_PLACE)
    : undefined;
  return builder.build(rollout);
}

const NO_CONDITIONS: readonly ConditionNode[] = [];
/** Guessing what was meant could give a value to the wrong people. */
const MALFORMED_ROLLOUT: RolloutShape = { attribute: undefined, salt: undefined, variants: [] };

const NO_CONDITION: RuleCondition = { attribute: undefined, first: NONE };
const DEFAULT = { value: DEFAULT_VALUE, isRefused: false };

/** Literals with the same properties in the same order, so that the engine gives all rules one hidden class. */
function ruleShape(condition: RuleCondition, { id, value, isRefused, rollout }: RuleOutcome): RuleShape {
  const { attribute, first } = condition;
  return attribute === undefined
    ? { attribute, first, id, value, isRefused, rollout }
    : { attribute, first, id, value, isRefused, rollout };
}

const NEGATIVE_ZERO = Symbol('-0');

/** The key of a value in a map, which takes -0 for 0. */
function keyOf(value: unknown): unknown {
  return Object.is(value, -0) ? NEGATIVE_ZERO : value;
}

/** Collects what a program holds. Thousands are held at once, so `build` drops the spare capacity of its lists. */
class ProgramBuilder<Value> {
  readonly #options: CompileOptions<Value>;
  readonly #bucketing: Bucketing;
  readonly #defaultValue: Value;
  readonly #isDefaultRefused: boolean;
  readonly #rules: RuleShape[] = [];
  readonly #scalars: unknown[] = [];
  readonly #conditions: ConditionNode[] = [];
  readonly #values: Value[];
  readonly #positions = new Map<unknown, number>();
  #salt: HashState | undefined;

  constructor(options: CompileOptions<Value>, defaultValue: ParsedValue<Value>, bucketing: Bucketing) {
    this.#options = options;
    this.#bucketing = bucketing;
    this.#defaultValue = defaultValue.value;
    this.#isDefaultRefused = defaultValue.isRefused;
    this.#values = [defaultValue.value];
    this.#positions.set(keyOf(defaultValue.value), DEFAULT_VALUE);
  }

  addRule(rule: unknown, index: number): void {
    if (!isWellFormedRule(rule)) return;
    const place = { rule: index, ruleId: rule.id, variant: undefined };
    const condition = this.#condition(ownProperty(rule, 'when'));
    const id = this.#scalars.push(rule.id) - 1;
    const isRollout = Object.hasOwn(rule, 'rollout');
    const rollout = isRollout ? (this.rollout(rule.rollout, place) ?? MALFORMED_ROLLOUT) : undefined;
    // Contexts to which the rollout gives no variant get the default.
    const value = isRollout ? DEFAULT : this.#value(this.#options.parse(storedValue(rule), place));
    this.#rules.push(ruleShape(condition, { id, ...value, rollout }));
  }

  /** The shape of a rollout; undefined if it is malformed. */
  rollout(stored: unknown, place: ValuePlace): RolloutShape | undefined {
    const parts = rolloutParts(stored, this.#bucketing);
    if (parts === undefined) return undefined;
    const variants = parts.variants.map(({ stored: value, end }, variant) => {
      const parsed = this.#value(this.#options.parse(value, { ...place, variant }));
      return { end, value: parsed.value, isRefused: parsed.isRefused };
    });
    const attribute = parseAttribute(parts.bucketBy);
    if (parts.salt !== this.#bucketing.salt) return { attribute, salt: prepareSalt(parts.salt), variants };
    this.#salt ??= prepareSalt(parts.salt);
    return { attribute, salt: undefined, variants };
  }

  build(rollout: RolloutShape | undefined): Program<Value> {
    const fallthrough = ruleShape(NO_CONDITION, {
      id: NONE,
      value: DEFAULT_VALUE,
      isRefused: this.#isDefaultRefused,
      rollout,
    });
    const shape = sharedShape({ rules: this.#rules, fallthrough });
    return {
      rules: shape.rules,
      fallthrough: shape.fallthrough,
      scalars: this.#scalars.slice(),
      conditions: this.#conditions.length === 0 ? NO_CONDITIONS : this.#conditions.slice(),
      defaultValue: this.#defaultValue,
      values: sharedValues(this.#values),
      salt: this.#salt,
      defaultDetails: undefined,
    };
  }

  #condition(when: unknown): RuleCondition {
    const condition = this.#options.conditions.compile(when);
    const operands = equalityOperands(condition);
    if (operands === undefined || operands.length === 0) {
      return { attribute: undefined, first: this.#conditions.push(condition) - 1 };
    }
    const first = this.#scalars.length;
    this.#scalars.push(...operands);
    return { attribute: condition.attribute, first };
  }

  /** The position of a value; a refused one is replaced by the default. */
  #value({ value, isRefused }: ParsedValue<Value>): { value: number; isRefused: boolean } {
    if (isRefused) return { value: DEFAULT_VALUE, isRefused };
    const known = this.#positions.get(keyOf(value));
    if (known !== undefined) return { value: known, isRefused };
    const position = this.#values.push(value) - 1;
    this.#positions.set(keyOf(value), position);
    return { value: position, isRefused };
  }
}
