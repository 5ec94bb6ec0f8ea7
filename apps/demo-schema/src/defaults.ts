import type { ConfigDefaults } from '@smooai/config';
import type {} from './index.ts';

/** What pages show until the first values arrive, and for keys that have never been pushed. */
export const defaults = {
  public: { apiBaseUrl: 'http://127.0.0.1:4003', supportEmail: 'help@tarn.example' },
  flags: { newCheckout: false, theme: 'light', freeShipping: false },
  limits: { cartItems: 20 },
} satisfies ConfigDefaults;

declare module '@smooai/config' {
  interface Register {
    defaults: typeof defaults;
  }
}
