/** How long the context of a stream or of a page with variants may take. A browser shows nothing of either before. */
const TIMEOUT_MS = 10_000;

/** The result of {@link contextInTime} for a context that takes too long. */
export const LATE: unique symbol = Symbol('late');

/**
 * Waits for the context, or for what depends on it, until it is late or the browser disconnects; then it resolves with
 * undefined. `consequence` begins the warning about a late one.
 */
export async function contextInTime<Context>(
  context: Promise<Context>,
  signal: AbortSignal,
  consequence: string,
): Promise<Context | undefined | typeof LATE> {
  let release = (): void => undefined;
  const ended = new Promise<undefined | typeof LATE>((resolve) => {
    const leave = (): void => resolve(undefined);
    const timer = setTimeout(() => resolve(LATE), TIMEOUT_MS);
    signal.addEventListener('abort', leave);
    if (signal.aborted) leave();
    release = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', leave);
    };
  });
  try {
    const result = await Promise.race([context, ended]);
    if (result === LATE) warn(consequence);
    return result;
  } finally {
    release();
  }
}

function warn(consequence: string): void {
  // biome-ignore lint/suspicious/noConsole: neither the page nor the stream shows why values are missing
  console.warn(
    `@smooai/config-next: ${consequence}, because "context" did not resolve within ${TIMEOUT_MS / 1000} s.`,
  );
}
