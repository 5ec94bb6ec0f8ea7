// Registered symbols, so that the ESM and the CommonJS build of this package share their providers in one process.

/** Injection token of the config client; `@InjectConfigClient()` uses it. */
export const CONFIG_CLIENT: unique symbol = Symbol.for('@smooai/config-nestjs:CONFIG_CLIENT');

/** Injection token of the module's own options. */
export const CONFIG_OPTIONS: unique symbol = Symbol.for('@smooai/config-nestjs:CONFIG_OPTIONS');

/** Injection token of the {@link ContextResolver}. */
export const CONTEXT_RESOLVER: unique symbol = Symbol.for('@smooai/config-nestjs:CONTEXT_RESOLVER');
