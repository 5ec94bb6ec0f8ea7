import type { NextConfig } from 'next';

const isWithout = process.env.SHOP_WITHOUT === '1';
const stub = '../shared/without.tsx';

/** What differs between the builds of a fixture: its folder, and whether it is built without the packages under test. */
export const buildVariant: NextConfig = {
  distDir: process.env.SHOP_DIST ?? '.next',
  turbopack: isWithout
    ? {
        resolveAlias: {
          '@smooai/config': stub,
          '@smooai/config/server': stub,
          '@smooai/config-next/server': stub,
          '@smooai/config-next/client': stub,
        },
      }
    : {},
};
