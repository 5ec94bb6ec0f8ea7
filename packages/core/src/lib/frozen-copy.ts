import { isPlainRecord, setOwn } from './record.ts';

/**
 * A deeply frozen copy of a value's plain objects and arrays; everything else in it stays as it is: a Date, Map, Set, URL
 * or typed array, an instance of a class, and a plain object with a method, a getter or a symbol. Never throws.
 */
export function frozenCopy<Value>(value: Value): Value {
  return copyData(value, true);
}

/** As {@link frozenCopy}, but not frozen. */
export function plainCopy<Value>(value: Value): Value {
  return copyData(value, false);
}

type Container = Record<string, unknown>;

function copyData<Value>(value: Value, isFrozen: boolean): Value {
  try {
    return isData(value) ? (copyContainer(value, isFrozen) as Value) : value;
  } catch {
    // A proxy threw.
    return value;
  }
}

/** Without recursion, since values may be nested deeply. A value that contains itself gets a copy that does. */
function copyContainer(value: Container, isFrozen: boolean): Container {
  const root = emptyCopy(value);
  const copies = new Map<Container, Container>([[value, root]]);
  const copyOf = (inner: unknown): unknown => {
    if (!isData(inner)) return inner;
    const copy = copies.get(inner) ?? emptyCopy(inner);
    copies.set(inner, copy);
    return copy;
  };
  // A map's iteration includes the entries that are added meanwhile.
  for (const [original, copy] of copies) {
    for (const name of Object.keys(original)) setOwn(copy, name, copyOf(original[name]));
    if (Array.isArray(original)) copy.length = original.length;
  }
  if (isFrozen) for (const copy of copies.values()) Object.freeze(copy);
  return root;
}

function emptyCopy(original: Container): Container {
  if (Array.isArray(original)) return [] as unknown as Container;
  return Object.create(Object.getPrototypeOf(original) as object | null) as Container;
}

/** Whether a value is a plain array, or a plain object that holds data only. */
function isData(value: unknown): value is Container {
  if (typeof value !== 'object' || value === null) return false;
  return Array.isArray(value) ? isPlainArray(value) : isPlainRecord(value) && holdsDataOnly(value);
}

/** Whether an array is not an instance of a subclass; it may come from another realm. */
function isPlainArray(value: unknown[]): boolean {
  // `Array.prototype` is itself an array; the prototype of a subclass is not.
  return Array.isArray(Object.getPrototypeOf(value));
}

function holdsDataOnly(record: Container): boolean {
  return Reflect.ownKeys(record).every((name) => {
    if (typeof name === 'symbol') return false;
    const property = Object.getOwnPropertyDescriptor(record, name);
    return property?.enumerable === true && 'value' in property && typeof property.value !== 'function';
  });
}
