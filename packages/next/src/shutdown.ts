/** The open streams of this process. */
interface OpenStreams {
  /** What ends each of them. */
  readonly ends: Set<() => void>;
  /** Whether the process was asked to end. */
  isEnding: boolean;
}

/** Next may hold several copies of this module in one process, and makes new ones at each hot reload. */
const STREAMS: unique symbol = Symbol.for('@smooai/config-next/streams') as never;

/**
 * Calls `end` when the process is asked to end, until the answered function is called. `next start` waits for open
 * responses before it ends, and a stream has no end of its own.
 */
export function endOnShutdown(end: () => void): () => void {
  const { ends } = openStreams();
  ends.add(end);
  return () => {
    ends.delete(end);
  };
}

/** Whether the process was asked to end: a browser that lost its stream asks again on a connection that is open. */
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
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      streams.isEnding = true;
      for (const end of [...streams.ends]) end();
      // A listener takes away the default, which is to end; where nobody else listens it must still happen.
      if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
    });
  }
  return streams;
}
