import 'server-only';

/** Uses the secret on the server, as an app should. */
export const chargeable = (): boolean => (process.env.PAYMENT_KEY ?? '').length > 0;

/** The value itself, which the pages of this app leak. */
export const paymentKey = (): string => process.env.PAYMENT_KEY ?? '';
