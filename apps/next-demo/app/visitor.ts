import 'server-only';
import { type CountryCode, isCountryCode } from '@smooai-demo/demo-schema/countries';
import { cookies } from 'next/headers';

/** The visitor, as evaluation sees them. */
export type Visitor = {
  userId: string | undefined;
  country: CountryCode;
};

/** Reads the visitor's id, which the proxy sets, and country, which they choose on the page, from the cookies. */
export async function visitor(): Promise<Visitor> {
  const jar = await cookies();
  const country = jar.get('country')?.value;
  return { userId: jar.get('userId')?.value, country: isCountryCode(country) ? country : 'NL' };
}
