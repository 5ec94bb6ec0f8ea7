/** The detector of `next dev` on globalThis: next.config, which makes it, and the code of the app are apart. */
export const detectorKey: unique symbol = Symbol.for('@smooai/config-next/secret-detector') as never;
