import 'server-only';

export { createVariants, type VariantsOptions } from './create-variants.ts';
export { type VariantRequest, type VariantRoute, variantProxy } from './variant-proxy.ts';
export type { VariantSecrets } from './variant-secrets.ts';
export type { DeclareVariants, PageVariants, VariantKey, VariantValue } from './variant-types.ts';
