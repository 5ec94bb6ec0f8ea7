import type { NextConfig } from 'next';

/** The same app with `cacheComponents` and without. */
const nextConfig: NextConfig = {
  distDir: process.env.SHOP_DIST ?? '.next',
  cacheComponents: process.env.CACHE_COMPONENTS === '1',
  // `pnpm typecheck` checks the types. Next would need the compiler API, which TypeScript 7 does not have.
  typescript: { ignoreBuildErrors: true },
};

export default nextConfig;
