import { OptionsError } from '../errors.ts';

/** All listeners of one signal, and how to remove the single listener that the signal itself holds. */
interface SharedListener {
  readonly listeners: Set<() => void>;
  readonly remove: () => void;
}

const SHARED_LISTENERS: WeakMap<AbortSignal, SharedListener> = new WeakMap();

/**
 * Calls `listener` once when the signal aborts. Returns a function that removes the listener.
 *
 * All listeners of a signal share a single event listener: Node warns of a leak from the eleventh on, and removing one
 * of thousands is slow.
 *
 * @throws {OptionsError} if `signal` is not an AbortSignal.
 */
export function onAbort(signal: AbortSignal, listener: () => void): () => void {
  const { listeners, remove } = SHARED_LISTENERS.get(signal) ?? share(signal);
  // Wrapped, so that the same function can be added twice.
  const entry = (): void => listener();
  listeners.add(entry);
  return () => {
    if (listeners.delete(entry) && listeners.size === 0) remove();
  };
}

function share(signal: AbortSignal): SharedListener {
  if (typeof signal?.addEventListener !== 'function') {
    throw new OptionsError(
      'signal',
      '"signal" must be an AbortSignal, such as the `signal` of an AbortController.',
    );
  }
  const listeners = new Set<() => void>();
  const remove = (): void => {
    signal.removeEventListener('abort', callAll);
    SHARED_LISTENERS.delete(signal);
  };
  const callAll = (): void => {
    remove();
    for (const listener of listeners) {
      listeners.delete(listener);
      listener();
    }
  };
  const shared = { listeners, remove };
  signal.addEventListener('abort', callAll);
  SHARED_LISTENERS.set(signal, shared);
  return shared;
}
