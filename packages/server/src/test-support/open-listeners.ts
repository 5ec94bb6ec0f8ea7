import { onTestFinished, vi } from 'vitest';

/**
 * Counts the listeners of a class that were added and not removed since. The method must return the function that
 * removes the listener. Everything else stays as it is.
 */
export function countOpenListeners<Key extends string>(
  prototype: Record<Key, (...parameters: never[]) => () => void>,
  method: Key,
): { readonly open: number; readonly added: number } {
  const counts = { open: 0, added: 0 };
  const original = prototype[method];
  const counting = function (this: unknown, ...parameters: never[]): () => void {
    const stop = original.apply(this, parameters);
    counts.open += 1;
    counts.added += 1;
    let isOpen = true;
    return () => {
      if (isOpen) counts.open -= 1;
      isOpen = false;
      stop();
    };
  };
  const spy = vi.spyOn(prototype as Record<string, typeof counting>, method).mockImplementation(counting);
  onTestFinished(() => spy.mockRestore());
  return counts;
}
