/** How long the context of a stream may take. A browser shows nothing of a stream that never starts. */
const TIMEOUT_MS = 10_000;

/** The result of {@link contextInTime} for a context that takes too long. */
export const LATE: unique symbol = Symbol('late');

/** Waits for the context of a stream, until it is late or the browser disconnects; then it resolves with undefined. */
export async function contextInTime<Context>(
  context: Promise<Context>,
  signal: AbortSignal,
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
    if (result === LATE) warn();
    return result;
  } finally {
    release();
  }
}

function warn(): void {
  // biome-ignore lint/suspicious/noConsole: the browser connects again, and the page does not show that nothing is live
  console.warn(
    `@smooai/config-next: a stream was refused, because "context" did not resolve within ${TIMEOUT_MS / 1000} s.`,
  );
}
