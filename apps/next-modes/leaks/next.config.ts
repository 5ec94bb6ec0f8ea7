import { withSmooConfig } from '@smooai/config-next/plugin';
import type { NextConfig } from 'next';
import { config } from './app/schema';

/**
 * With LEAKS=1 the app has the pages and routes that leak a secret: those whose file names end with `.leak.tsx`. With
 * LEAKS=import it has a page with client components that import entries for servers.
 */
const leaks = process.env.LEAKS === '1';
const imports = process.env.LEAKS === 'import';

const nextConfig: NextConfig = {
  cacheComponents: true,
  pageExtensions: [...(leaks ? ['leak.tsx', 'leak.ts'] : imports ? ['import.tsx'] : []), 'tsx', 'ts'],
  productionBrowserSourceMaps: leaks,
  experimental: { taint: leaks },
  ...(leaks && { env: { INLINED_KEY: process.env.PAYMENT_KEY ?? '' } }),
  // `pnpm typecheck` checks the types. Next would need the compiler API, which TypeScript 7 does not have.
  typescript: { ignoreBuildErrors: true },
};

export default withSmooConfig(nextConfig, { config });
