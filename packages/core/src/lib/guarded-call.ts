/** Whether a value is a promise; it may come from another realm or library. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  if (typeof value !== 'object' || value === null || !('then' in value)) return false;
  return typeof value.then === 'function';
}

/** Calls a function of the user. It may be asynchronous; its error goes to `onError` and no further. */
export function callGuarded(call: () => unknown, onError: (error: unknown) => void = () => undefined): void {
  try {
    const result = call();
    if (isThenable(result)) Promise.resolve(result).catch(onError);
  } catch (error) {
    onError(error);
  }
}
