/** The countries that the shop delivers to. */
export const countries = [
  { code: 'NL', name: 'Netherlands' },
  { code: 'BE', name: 'Belgium' },
  { code: 'DE', name: 'Germany' },
  { code: 'FR', name: 'France' },
  { code: 'GB', name: 'United Kingdom' },
  { code: 'US', name: 'United States' },
] as const;

/** An ISO 3166 code of one of the countries. */
export type CountryCode = (typeof countries)[number]['code'];

/** Whether the shop delivers to the country with this code. */
export function isCountryCode(code: unknown): code is CountryCode {
  return countries.some((country) => country.code === code);
}
