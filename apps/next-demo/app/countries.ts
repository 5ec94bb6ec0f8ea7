/** Where the shop delivers. */
export const countries = [
  { code: 'NL', name: 'Netherlands' },
  { code: 'BE', name: 'Belgium' },
  { code: 'DE', name: 'Germany' },
  { code: 'FR', name: 'France' },
  { code: 'GB', name: 'United Kingdom' },
  { code: 'US', name: 'United States' },
] as const;

/** A country's code. */
export type CountryCode = (typeof countries)[number]['code'];

/** Whether the shop delivers there. */
export function isCountryCode(code: unknown): code is CountryCode {
  return countries.some((country) => country.code === code);
}
