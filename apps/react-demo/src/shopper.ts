/** The shopper that values are evaluated for. */
export interface Shopper {
  /** ISO 3166 code; empty if unknown. */
  country: string;
  /** Empty if the shopper has not signed in. */
  userId: string;
}

/** Returns the evaluation context of a shopper, with only the attributes that are known. */
export function contextOf({ country, userId }: Shopper): Record<string, string> {
  return { ...(country !== '' && { country }), ...(userId !== '' && { userId }) };
}
