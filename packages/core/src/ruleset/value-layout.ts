import { isPlainRecord, setOwn } from '../lib/record.ts';
import type { JsonValue } from '../wire.ts';

/** A property name, or a number for anything else. */
type Step = string | number;

/**
 * The structure of a JSON value, without its scalars: every object with its property names, and every array with its
 * length, in document order. Most targeted values of an environment have one of a few layouts.
 */
export type ValueLayout = readonly Step[];

/** A value taken apart. Both lists are in document order. */
export interface TakenApart {
  readonly layout: ValueLayout;
  /** Strings, numbers, booleans and null; also instances of classes, and everything below the depth limit. */
  readonly scalars: readonly unknown[];
}

/** A scalar, but not of a property: that has its name alone. */
const SCALAR = -1;
/** Starts an object. Each property's name follows, with the steps of its value unless that is a scalar, then {@link END}. */
const OBJECT = -2;
const END = -3;
/** An array of n values is n * 2, and the values follow. If they all are scalars, it is n * 2 + 1 alone. */
const IS_LIST = 1;

/** Deeper values are kept as they are, which also ends the walk through a cycle. */
const MAX_DEPTH = 100;
/** The index is emptied when it is full, so its memory has a limit for any ruleset. */
const MAX_INDEX_NODES = 10_000;
const MAX_SCRATCH = 1_000;

/** Takes values apart. Values with the same layout share it. */
export class ValueLayouts {
  #index = new IndexNode(SCALAR, undefined);
  #indexSize = 0;
  /** The layout of the value so far. */
  #node = this.#index;
  /** The scalars of the value so far. Used again for each value, since a list that grows anew leaves much garbage. */
  #scratch: unknown[] = [];
  #count = 0;

  takeApart(value: JsonValue): TakenApart {
    this.#node = this.#index;
    this.#count = 0;
    this.#take(value, 0);
    const scalars = this.#scratch.slice(0, this.#count);
    if (this.#scratch.length > MAX_SCRATCH) this.#scratch = [];
    else this.#scratch.fill(undefined, 0, this.#count);
    return { layout: layoutOf(this.#node), scalars };
  }

  #take(value: unknown, depth: number): void {
    if (!isContainer(value, depth)) {
      this.#step(SCALAR);
      this.#scratch[this.#count++] = value;
    } else if (Array.isArray(value)) {
      this.#takeArray(value, depth);
    } else {
      this.#takeRecord(value, depth);
    }
  }

  #takeArray(array: readonly unknown[], depth: number): void {
    const isList = areScalars(array);
    this.#step(array.length * 2 + (isList ? IS_LIST : 0));
    // Loops over an index leave no garbage.
    for (let index = 0; index < array.length; index++) {
      const value = array[index];
      if (isList) this.#scratch[this.#count++] = value;
      else this.#take(value, depth + 1);
    }
  }

  #takeRecord(record: Container, depth: number): void {
    this.#step(OBJECT);
    // `Object.keys` would make a list for each of many thousands of objects.
    for (const name in record) {
      if (!Object.hasOwn(record, name)) continue;
      this.#step(name);
      const value = record[name];
      if (isContainer(value, depth + 1)) this.#take(value, depth + 1);
      else this.#scratch[this.#count++] = value;
    }
    this.#step(END);
  }

  #step(step: Step): void {
    this.#node = this.#node.child(step) ?? this.#grow(step);
  }

  #grow(step: Step): IndexNode {
    this.#indexSize++;
    if (this.#indexSize > MAX_INDEX_NODES) {
      this.#index = new IndexNode(SCALAR, undefined);
      this.#indexSize = 0;
    }
    return this.#node.add(step);
  }
}

/** A node of the index of layouts, a tree with one node for each step. Most nodes have one child, so few need a map. */
class IndexNode {
  readonly step: Step;
  readonly parent: IndexNode | undefined;
  /** The layout that ends here. */
  layout: ValueLayout | undefined;
  #firstChild: IndexNode | undefined;
  #otherChildren: Map<Step, IndexNode> | undefined;

  constructor(step: Step, parent: IndexNode | undefined) {
    this.step = step;
    this.parent = parent;
  }

  child(step: Step): IndexNode | undefined {
    const first = this.#firstChild;
    return first !== undefined && first.step === step ? first : this.#otherChildren?.get(step);
  }

  add(step: Step): IndexNode {
    const child = new IndexNode(step, this);
    if (this.#firstChild === undefined) {
      this.#firstChild = child;
    } else {
      this.#otherChildren ??= new Map();
      this.#otherChildren.set(step, child);
    }
    return child;
  }
}

/** The steps from the root of the index to a node. */
function layoutOf(last: IndexNode): ValueLayout {
  if (last.layout !== undefined) return last.layout;
  const steps: Step[] = [];
  for (let node = last; node.parent !== undefined; node = node.parent) steps.push(node.step);
  // `slice` drops the spare capacity of a list that grew by `push`.
  const layout = steps.reverse().slice();
  last.layout = layout;
  return layout;
}

type Container = Record<string, unknown>;

/** Whether a value is taken apart. */
function isContainer(value: unknown, depth: number): value is Container {
  if (typeof value !== 'object' || value === null || depth > MAX_DEPTH) return false;
  return Array.isArray(value) || isPlainRecord(value);
}

function areScalars(values: readonly unknown[]): boolean {
  for (let index = 0; index < values.length; index++) {
    const value = values[index];
    if (typeof value === 'object' && value !== null) return false;
  }
  return true;
}

/** Puts a value together again; each call makes a new one. */
export function putTogether({ layout, scalars }: TakenApart): unknown {
  let step = 0;
  let scalar = 0;
  const next = (): unknown => {
    const current = Number(layout[step++]);
    if (current === SCALAR) return scalars[scalar++];
    if (current === OBJECT) return nextRecord();
    const length = Math.floor(current / 2);
    if (current % 2 !== IS_LIST) return Array.from({ length }, next);
    scalar += length;
    return scalars.slice(scalar - length, scalar);
  };
  const nextRecord = (): Container => {
    const record: Container = {};
    for (let name = layout[step++]; typeof name === 'string'; name = layout[step++]) {
      const following = layout[step];
      const isScalar = typeof following === 'string' || following === END;
      setOwn(record, name, isScalar ? scalars[scalar++] : next());
    }
    return record;
  };
  return next();
}
