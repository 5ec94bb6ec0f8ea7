import 'server-only';
import { cookies } from 'next/headers';
import { type CountryCode, isCountryCode } from './countries.ts';

/** Who the request is from, as far as flags may know. */
export type Visitor = {
  userId: string | undefined;
  country: CountryCode;
};

/** Reads the visitor's id (set by the proxy) and country (chosen on the page) from the cookies. */
export async function visitor(): Promise<Visitor> {
  const jar = await cookies();
  const country = jar.get('country')?.value;
  return { userId: jar.get('userId')?.value, country: isCountryCode(country) ? country : 'NL' };
}
