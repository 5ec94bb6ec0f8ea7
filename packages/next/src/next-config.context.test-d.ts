import { defineConfig } from '@smooai/config';
import { createConfigClient } from '@smooai/config/server';
import { expectTypeOf, test } from 'vitest';
import { z } from 'zod';
import { createNextConfig } from './next-config.ts';
import { createSnapshotRouteHandler } from './snapshot-route-handler.ts';

const config = defineConfig({
  context: z.object({ userId: z.string(), country: z.string().optional() }),
  flags: { theme: z.enum(['light', 'dark']) },
});
const client = createConfigClient({ config });

test('the request context must have the declared attributes', () => {
  const next = createNextConfig({ config, context: async () => ({ userId: 'u' }) });
  expectTypeOf(next.flag('theme', { userId: 'u' })).resolves.toEqualTypeOf<'light' | 'dark'>();
  // @ts-expect-error userId is missing
  void next.flag('theme', {});
  // @ts-expect-error userId is missing
  void next.snapshot({ country: 'NL' });
  // @ts-expect-error userId is missing
  createNextConfig({ config, context: () => ({ country: 'NL' }) });
  // @ts-expect-error not a string
  createNextConfig({ client, context: async () => ({ userId: 1 }) });
  // @ts-expect-error userId is missing
  createSnapshotRouteHandler({ client, context: () => ({}) });
});
