/** Whether a value is a promise, be it of another realm or library. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  if (typeof value !== 'object' || value === null || !('then' in value)) return false;
  return typeof value.then === 'function';
}

/** Calls a function of somebody else's: what it throws, or rejects with, goes to `onError` and no further. */
export function callGuarded(call: () => unknown, onError: (error: unknown) => void = () => undefined): void {
  try {
    const answer = call();
    if (isThenable(answer)) Promise.resolve(answer).catch(onError);
  } catch (error) {
    onError(error);
  }
}
