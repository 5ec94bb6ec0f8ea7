import { connection } from 'next/server';

/**
 * Makes Next render the page for each request: configuration is live, so a page that reads it must not be rendered at
 * build time. Outside a request (instrumentation, a script, a test) it does nothing.
 */
export async function requestTime(): Promise<void> {
  try {
    await connection();
  } catch (error) {
    // Next itself throws here to mark the page as dynamic; that must pass through.
    if (!isOutsideRequest(error)) throw error;
  }
}

function isOutsideRequest(error: unknown): boolean {
  return error instanceof Error && error.message.includes('was called outside a request scope');
}
