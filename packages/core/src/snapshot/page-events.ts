const EVENTS = ['visibilitychange', 'freeze', 'resume', 'pagehide', 'pageshow', 'online', 'offline'];

/** Calls `update` at once and with each change of the page's state. Returns a function that ends it. */
export function followPage(update: (type: string) => void): () => void {
  const end = new AbortController();
  for (const type of EVENTS) {
    // Captured, because some of them are events of the document that do not bubble.
    globalThis.addEventListener?.(type, () => update(type), { signal: end.signal, capture: true });
  }
  update('');
  return () => {
    end.abort();
    update('end');
  };
}
