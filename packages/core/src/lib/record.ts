/** Whether a value is an object, but not an array. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Whether a value is an object literal rather than an instance of a class; it may come from another realm. */
export function isPlainRecord(value: unknown): value is Record<string, unknown> {
  if (!isRecord(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** An object's own property; `undefined` if it is missing or inherited, so a polluted prototype has no effect. */
export function ownProperty(record: object, name: string): unknown {
  return Object.hasOwn(record, name) ? (record as Record<string, unknown>)[name] : undefined;
}

/**
 * Defines an own property. An assignment would take `__proto__` for the prototype, and would fail for a name such as
 * `constructor` if the program froze `Object.prototype`.
 */
export function setOwn(record: Record<string, unknown>, name: string, value: unknown): void {
  if (!(name in record)) record[name] = value;
  else Object.defineProperty(record, name, { value, enumerable: true, configurable: true, writable: true });
}
