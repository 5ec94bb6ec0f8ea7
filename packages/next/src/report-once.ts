/** Marks an error that was reported. A global symbol, because Next may load this module several times in one process. */
const REPORTED: unique symbol = Symbol.for('@smooai/config-next/reported') as never;

/** What Node calls to print an error. */
const INSPECT: unique symbol = Symbol.for('nodejs.util.inspect.custom') as never;

/** Returns whether this is the first report of an error. Reads of one process share theirs. */
function isFirstReport(error: object): boolean {
  if (REPORTED in error) return false;
  Object.defineProperty(error, REPORTED, { value: true });
  return true;
}

/** Prints a warning with an error's message, at the first report of the error. */
export function warnOnce(what: string, error: Error): void {
  if (!isFirstReport(error)) return;
  // biome-ignore lint/suspicious/noConsole: neither the page nor the stream shows why values are missing
  console.warn(`@smooai/config-next: ${what} ${error.message}`);
}

/**
 * Next prints an error for each request that fails with it. This makes it one line instead of a stack and its causes: the
 * message, and after the first report only the name. `stack` and `cause` stay as they are.
 */
export function printsAsOneLine<E extends Error>(error: E): E {
  const print = (): string =>
    isFirstReport(error) ? `${error.name}: ${error.message}` : `${error.name}, as reported above`;
  Object.defineProperty(error, INSPECT, { value: print });
  return error;
}

/**
 * Returns a copy of an error with its class, code and message alone. What `'use cache'` throws is copied by React, with its
 * stack and its causes, and printed for each request.
 */
export function withoutStack<E extends Error>(error: E): E {
  const properties: PropertyDescriptorMap = Object.getOwnPropertyDescriptors(error);
  delete properties.cause;
  properties.stack = { value: `${error.name}: ${error.message}`, configurable: true };
  return Object.create(Object.getPrototypeOf(error), properties) as E;
}
