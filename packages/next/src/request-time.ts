import { connection } from 'next/server';

/**
 * Waits for a real request: configuration is live, so a page that reads it must not be rendered at build time, when
 * there may be no config server either. Outside a request (instrumentation, a script, a test) it does nothing.
 */
export async function requestTime(): Promise<void> {
  try {
    await connection();
  } catch (error) {
    // Everything else that connection() throws is how Next learns that the page is dynamic.
    if (!isOutsideRequest(error)) throw error;
  }
}

function isOutsideRequest(error: unknown): boolean {
  return error instanceof Error && error.message.includes('was called outside a request scope');
}
