/** The open streams of this process. */
interface OpenStreams {
  /** A function for each stream that ends it. */
  readonly ends: Set<() => void>;
  /** Whether the process has received a shutdown signal. */
  isEnding: boolean;
}

/** A global symbol, because Next may load this module several times in one process. */
const STREAMS: unique symbol = Symbol.for('@smooai/config-next/streams') as never;

/**
 * Calls `end` when the process receives SIGTERM or SIGINT. Returns a function that removes it again.
 *
 * `next start` waits for open responses before it exits, and a stream would never end by itself.
 */
export function endOnShutdown(end: () => void): () => void {
  const { ends } = openStreams();
  ends.add(end);
  return () => {
    ends.delete(end);
  };
}

/** Whether the process is shutting down. A browser that lost its stream may still reconnect over an open connection. */
export function isShuttingDown(): boolean {
  return openStreams().isEnding;
}

function openStreams(): OpenStreams {
  const holder = globalThis as { [STREAMS]?: OpenStreams };
  holder[STREAMS] ??= listen();
  return holder[STREAMS];
}

function listen(): OpenStreams {
  const streams: OpenStreams = { ends: new Set(), isEnding: false };
  // Read from `globalThis`: the edge runtime has no signals, and Next warns about each use of `process.once` there.
  const { process: node } = globalThis as { process?: Partial<NodeJS.Process> };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    node?.once?.(signal, () => {
      streams.isEnding = true;
      for (const end of [...streams.ends]) end();
      // A listener disables the default action, which is to exit. Without another listener, exit anyway.
      if (node.listenerCount?.(signal) === 0) node.kill?.(node.pid ?? 0, signal);
    });
  }
  return streams;
}
