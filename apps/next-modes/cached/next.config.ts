import type { NextConfig } from 'next';
import { buildVariant } from '../shared/build-variant';

const nextConfig: NextConfig = {
  ...buildVariant,
  cacheComponents: true,
  // `pnpm typecheck` checks the types. Next would need the compiler API, which TypeScript 7 does not have.
  typescript: { ignoreBuildErrors: true },
};

export default nextConfig;
