import { isRecord, ownProperty } from '../lib/record.ts';
import type { Segments } from '../wire.ts';
import { allOf, anyOf, type ConditionNode, negationOf, never } from './condition-node.ts';
import { compileComparison, conditionForm, conditionMembers, isWithinDepth } from './conditions.ts';

/**
 * Conditions that a condition may have once its segments are expanded. Segments that refer to one another can grow
 * exponentially, and an evaluation must stay short and must not exhaust the stack.
 */
export const MAX_EXPANDED_CONDITIONS = 20_000;
/** Levels of conditions that it may have then. */
export const MAX_EXPANDED_LEVELS = 512;

interface CompiledSegment {
  readonly node: ConditionNode;
  readonly conditions: number;
  readonly levels: number;
  /** It refers to itself, so inside another segment the cycle may have to be cut at another place. */
  readonly isCyclic: boolean;
}

/** State while one condition is compiled. */
interface Expansion {
  /** Names of the segments being expanded, outermost first. */
  readonly active: string[];
  /** Index in `active` of the outermost segment that was referred to again. */
  cut: number | undefined;
  conditions: number;
  level: number;
  deepestLevel: number;
}

/** Ends the compilation of a condition that grows too large. Caught in this file. */
class ExpansionTooLarge extends Error {}

/** The segments of an environment. Each is compiled when first used, and shared by all flags that refer to it. */
export class CompiledSegments {
  readonly #segments: Segments;
  readonly #compiled = new Map<string, CompiledSegment>();

  constructor(segments: Segments) {
    this.#segments = segments;
  }

  /** The same environment with new segments; those not in `touched` stay compiled. */
  replaced(segments: Segments, touched: ReadonlySet<string>): CompiledSegments {
    const next = new CompiledSegments(segments);
    for (const [name, compiled] of this.#compiled) {
      if (!touched.has(name)) next.#compiled.set(name, compiled);
    }
    return next;
  }

  has(name: string): boolean {
    return Object.hasOwn(this.#segments, name);
  }

  /** A segment's condition as stored; `undefined` if the segment does not exist. */
  stored(name: string): unknown {
    return ownProperty(this.#segments, name);
  }

  /** Compiles a condition that may refer to these segments. Never throws: a malformed condition is false. */
  compile(condition: unknown): ConditionNode {
    return this.#compileBounded(condition) ?? never;
  }

  /** Whether a condition is always false because it grows too large with its segments. */
  isTooLarge(condition: unknown): boolean {
    return this.#compileBounded(condition) === undefined;
  }

  #compileBounded(condition: unknown): ConditionNode | undefined {
    try {
      return this.#compileWhole(condition, {
        active: [],
        cut: undefined,
        conditions: 0,
        level: 0,
        deepestLevel: 0,
      });
    } catch (error) {
      if (error instanceof ExpansionTooLarge) return undefined;
      throw error;
    }
  }

  #compileWhole(condition: unknown, expansion: Expansion): ConditionNode {
    return isWithinDepth(condition) ? this.#compileNode(condition, expansion) : never;
  }

  #compileNode(condition: unknown, expansion: Expansion): ConditionNode {
    if (!isRecord(condition)) return never;
    expansion.level++;
    grow(expansion, 1, 0);
    const node = this.#compileForm(condition, expansion);
    expansion.level--;
    return node;
  }

  #compileForm(condition: Record<string, unknown>, expansion: Expansion): ConditionNode {
    const form = conditionForm(condition);
    if (form === 'attribute') return compileComparison(condition);
    if (form === 'segment') return this.#compileReference(ownProperty(condition, 'segment'), expansion);
    if (form === undefined || (form !== 'not' && !Array.isArray(condition[form]))) return never;
    const members = conditionMembers(condition).map((member) => this.#compileNode(member, expansion));
    if (form === 'all') return allOf(members);
    if (form === 'any') return anyOf(members);
    const [negated = never] = members;
    return negationOf(negated);
  }

  #compileReference(name: unknown, expansion: Expansion): ConditionNode {
    if (typeof name !== 'string') return never;
    const known = this.#compiled.get(name);
    if (known !== undefined && (!known.isCyclic || expansion.active.length === 0)) {
      grow(expansion, known.conditions, known.levels);
      return known.node;
    }
    const position = expansion.active.indexOf(name);
    if (position >= 0) {
      expansion.cut = Math.min(position, expansion.cut ?? position);
      return never;
    }
    return this.#expand(name, expansion);
  }

  /**
   * Expands a segment. A reference to a segment that is already being expanded is cut: it is false. The result may then
   * depend on the segments around it; it is kept for reuse only if it does not.
   */
  #expand(name: string, expansion: Expansion): ConditionNode {
    const position = expansion.active.length;
    const { cut: outerCut, conditions, level, deepestLevel } = expansion;
    expansion.active.push(name);
    expansion.cut = undefined;
    expansion.deepestLevel = level;
    const node = this.#compileWhole(this.stored(name), expansion);
    expansion.active.pop();
    const { cut } = expansion;
    const isSelfContained = cut === undefined || cut === position;
    if (isSelfContained) {
      this.#compiled.set(name, {
        node,
        conditions: expansion.conditions - conditions,
        levels: expansion.deepestLevel - level,
        isCyclic: cut !== undefined,
      });
    }
    expansion.cut = isSelfContained ? outerCut : Math.min(cut, outerCut ?? cut);
    expansion.deepestLevel = Math.max(deepestLevel, expansion.deepestLevel);
    return node;
  }
}

/**
 * Compiles the segments of an environment for {@link compile}, so that its flags share them.
 *
 * @example
 * const segments = compileSegments(ruleset.segments);
 * const newCheckout = compile('newCheckout', ruleset.flags.newCheckout, segments);
 */
export function compileSegments(segments: Segments): CompiledSegments {
  return new CompiledSegments(segments);
}

function grow(expansion: Expansion, conditions: number, levels: number): void {
  const { active, level } = expansion;
  // The flag's own condition is not counted: only segments multiply.
  if (active.length > 0 || levels > 0) expansion.conditions += conditions;
  expansion.deepestLevel = Math.max(expansion.deepestLevel, level + levels);
  if (expansion.conditions > MAX_EXPANDED_CONDITIONS || expansion.deepestLevel > MAX_EXPANDED_LEVELS) {
    throw new ExpansionTooLarge();
  }
}
