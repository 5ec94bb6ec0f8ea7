'use server';

import { isCountryCode } from '@smooai-demo/demo-schema/countries';
import { cookies } from 'next/headers';

/** Stores the visitor's country in a cookie. Next then renders the page again with the new cookie. */
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
