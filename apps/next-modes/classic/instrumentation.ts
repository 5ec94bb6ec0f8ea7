/**
 * Starts the client with the process, so that changes reach static pages before anything else reads configuration. With
 * `SHOP_FOLLOWS=0` it does not, as in a process that lives for a few requests only.
 */
export async function register(): Promise<void> {
  if (process.env.NEXT_RUNTIME !== 'nodejs' || process.env.SHOP_FOLLOWS === '0') return;
  const { client } = await import('../shared/config');
  client().catch(() => undefined);
}
