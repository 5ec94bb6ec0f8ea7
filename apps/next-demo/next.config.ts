import type { NextConfig } from 'next';

const nextConfig: NextConfig = {
  // As create-next-app sets it: a page is static, except for its holes.
  cacheComponents: true,
  partialPrefetching: true,
  poweredByHeader: false,
  reactStrictMode: true,
  // `pnpm typecheck` checks the types. Next would need the compiler API, which TypeScript 7 does not have.
  typescript: { ignoreBuildErrors: true },
};

export default nextConfig;
