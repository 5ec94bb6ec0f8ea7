/** Whether a value is a promise; it may come from another realm or library. */
export function isPromise<Value>(value: Value | Promise<Value>): value is Promise<Value> {
  if (typeof value !== 'object' || value === null) return false;
  return 'then' in value && typeof value.then === 'function';
}
