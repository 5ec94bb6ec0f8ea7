'use server';

import { cookies } from 'next/headers';
import { isCountryCode } from './countries.ts';

/**
 * Remembers where the visitor lives. A form posts to it, so it needs no JavaScript; Next renders the page again with
 * the new cookie.
 */
export async function chooseCountry(form: FormData): Promise<void> {
  const country = form.get('country');
  if (isCountryCode(country)) {
    (await cookies()).set('country', country, {
      httpOnly: true,
      sameSite: 'lax',
      path: '/',
      maxAge: 31_536_000,
    });
  }
}
