import { OptionsError } from '../errors.ts';

/** Every listener of a signal, and how to take the one that the signal itself knows off it. */
interface Shared {
  readonly listeners: Set<() => void>;
  readonly release: () => void;
}

const SHARED: WeakMap<AbortSignal, Shared> = new WeakMap();

/**
 * Calls `listener` once, when the signal aborts; what it answers lets go of it. All listeners of a signal share one that
 * the signal knows: Node warns of a leak from the eleventh on, and finding one of thousands takes long.
 *
 * @throws {OptionsError} for what is no signal, such as the controller of one.
 */
export function onAbort(signal: AbortSignal, listener: () => void): () => void {
  const { listeners, release } = SHARED.get(signal) ?? share(signal);
  // Wrapped, so that the same function can listen twice.
  const entry = (): void => listener();
  listeners.add(entry);
  return () => {
    if (listeners.delete(entry) && listeners.size === 0) release();
  };
}

function share(signal: AbortSignal): Shared {
  if (typeof signal?.addEventListener !== 'function') {
    throw new OptionsError(
      'signal',
      '"signal" must be an AbortSignal, such as the `signal` of an AbortController.',
    );
  }
  const listeners = new Set<() => void>();
  const release = (): void => {
    signal.removeEventListener('abort', tell);
    SHARED.delete(signal);
  };
  const tell = (): void => {
    release();
    for (const listener of listeners) {
      listeners.delete(listener);
      listener();
    }
  };
  const shared = { listeners, release };
  signal.addEventListener('abort', tell);
  SHARED.set(signal, shared);
  return shared;
}
