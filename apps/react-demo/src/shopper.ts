/** Whom the answers are for. */
export interface Shopper {
  /** ISO 3166 code; empty where it is not known. */
  country: string;
  /** Empty for one who has not signed in. */
  userId: string;
}

/** Where the shop delivers. */
export const countries: readonly { code: string; name: string }[] = [
  { code: 'NL', name: 'Netherlands' },
  { code: 'BE', name: 'Belgium' },
  { code: 'DE', name: 'Germany' },
  { code: 'FR', name: 'France' },
  { code: 'GB', name: 'United Kingdom' },
  { code: 'US', name: 'United States' },
];

/** The evaluation context of a shopper: only what is known. */
export function contextOf({ country, userId }: Shopper): Record<string, string> {
  return { ...(country !== '' && { country }), ...(userId !== '' && { userId }) };
}
