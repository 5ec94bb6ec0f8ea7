import { isPlainRecord, setOwn } from '../lib/record.ts';
import type { JsonValue } from '../wire.ts';

/** A property name, or a number: the kind of the value that follows, and how many parts it has. */
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

const KINDS = 4;
const SCALAR = 0;
const OBJECT = 1;
const ARRAY = 2;
/** An array of scalars only. */
const LIST = 3;

/** Deeper values are kept as they are, which also ends the walk through a cycle. */
const MAX_DEPTH = 100;
/** Longer layouts are not shared, and the index is emptied when it is full: its memory has a limit for any ruleset. */
const MAX_SHARED_STEPS = 1_000;
const MAX_INDEX_NODES = 10_000;

interface Parts {
  readonly steps: Step[];
  readonly scalars: unknown[];
}

/** Takes values apart. Values with the same layout share it. */
export class ValueLayouts {
  #root = new IndexNode(SCALAR);
  #nodes = 0;

  takeApart(value: JsonValue): TakenApart {
    const parts: Parts = { steps: [], scalars: [] };
    takeApart(value, 0, parts);
    // `slice` drops the spare capacity of an array that grew by `push`.
    return { layout: this.#shared(parts.steps), scalars: parts.scalars.slice() };
  }

  #shared(steps: readonly Step[]): ValueLayout {
    if (steps.length > MAX_SHARED_STEPS) return steps.slice();
    let node = this.#root;
    for (const step of steps) node = node.child(step) ?? this.#grow(node, step);
    node.layout ??= steps.slice();
    return node.layout;
  }

  #grow(parent: IndexNode, step: Step): IndexNode {
    this.#nodes++;
    if (this.#nodes > MAX_INDEX_NODES) {
      this.#root = new IndexNode(SCALAR);
      this.#nodes = 0;
    }
    return parent.add(step);
  }
}

/** A node of the index of layouts, a tree with one node for each step. Most nodes have one child, so few need a map. */
class IndexNode {
  /** The layout that ends here. */
  layout: ValueLayout | undefined;
  readonly #step: Step;
  #firstChild: IndexNode | undefined;
  #otherChildren: Map<Step, IndexNode> | undefined;

  constructor(step: Step) {
    this.#step = step;
  }

  child(step: Step): IndexNode | undefined {
    const first = this.#firstChild;
    if (first !== undefined && first.#step === step) return first;
    return this.#otherChildren?.get(step);
  }

  add(step: Step): IndexNode {
    const child = new IndexNode(step);
    if (this.#firstChild === undefined) {
      this.#firstChild = child;
    } else {
      this.#otherChildren ??= new Map();
      this.#otherChildren.set(step, child);
    }
    return child;
  }
}

function takeApart(value: unknown, depth: number, parts: Parts): void {
  if (typeof value !== 'object' || value === null || depth > MAX_DEPTH) takeScalar(value, parts);
  else if (Array.isArray(value)) takeArray(value, depth, parts);
  else if (isPlainRecord(value)) takeRecord(value, depth, parts);
  else takeScalar(value, parts);
}

function takeScalar(value: unknown, { steps, scalars }: Parts): void {
  steps.push(SCALAR);
  scalars.push(value);
}

function takeArray(array: readonly unknown[], depth: number, parts: Parts): void {
  const { steps, scalars } = parts;
  if (array.every(isScalar)) {
    steps.push(array.length * KINDS + LIST);
    for (const item of array) scalars.push(item);
    return;
  }
  steps.push(array.length * KINDS + ARRAY);
  for (const item of array) takeApart(item, depth + 1, parts);
}

function takeRecord(record: Record<string, unknown>, depth: number, parts: Parts): void {
  const names = Object.keys(record);
  parts.steps.push(names.length * KINDS + OBJECT);
  for (const name of names) {
    parts.steps.push(name);
    takeApart(record[name], depth + 1, parts);
  }
}

function isScalar(value: unknown): boolean {
  return typeof value !== 'object' || value === null;
}

/** Puts a value together again; each call makes a new one. */
export function putTogether({ layout, scalars }: TakenApart): unknown {
  let step = 0;
  let scalar = 0;
  const next = (): unknown => {
    const size = layout[step++];
    // Names are read below, together with the object that has them.
    if (typeof size !== 'number') return undefined;
    const count = Math.floor(size / KINDS);
    switch (size % KINDS) {
      case OBJECT:
        return nextRecord(count);
      case ARRAY:
        return Array.from({ length: count }, next);
      case LIST:
        scalar += count;
        return scalars.slice(scalar - count, scalar);
      default:
        return scalars[scalar++];
    }
  };
  const nextRecord = (count: number): Record<string, unknown> => {
    const record: Record<string, unknown> = {};
    for (let index = 0; index < count; index++) {
      const name = String(layout[step++]);
      setOwn(record, name, next());
    }
    return record;
  };
  return next();
}
