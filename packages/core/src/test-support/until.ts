// Before a test replaces it.
const realSetTimeout = setTimeout;

/**
 * Waits until a condition holds; the test's time limit ends it. For tests with fake timers: `expect.poll` would advance
 * them, and what must not end by its time limit would.
 */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => realSetTimeout(resolve, 5));
}
