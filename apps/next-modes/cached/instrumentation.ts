/** Starts the client with the process, so that changes reach cached pages before anything else reads configuration. */
export async function register(): Promise<void> {
  if (process.env.NEXT_RUNTIME !== 'nodejs') return;
  const { client } = await import('../shared/config');
  client().catch(() => undefined);
}
