/** Starts the client with the process, so that a change of the theme reaches the static shell before a visitor does. */
export async function register(): Promise<void> {
  if (process.env.NEXT_RUNTIME !== 'nodejs') return;
  const { client } = await import('./app/config.ts');
  // Reads report the error.
  client().catch(() => undefined);
}
