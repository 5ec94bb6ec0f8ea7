'use client';

import type { ReactElement } from 'react';
import { chooseCountry } from '../actions.ts';
import { type CountryCode, countries } from '../countries.ts';

/** Where to ship to; flags are targeted by it. Without JavaScript a button sends the form. */
export function CountrySelector({ country }: { country: CountryCode }): ReactElement {
  return (
    <form action={chooseCountry} className="country">
      <label htmlFor="country">Ship to</label>
      <select
        id="country"
        name="country"
        // A form's action resets its fields, so another answer of the server makes another field.
        key={country}
        defaultValue={country}
        onChange={(event) => event.currentTarget.form?.requestSubmit()}
      >
        {countries.map(({ code, name }) => (
          <option key={code} value={code}>
            {name}
          </option>
        ))}
      </select>
      <noscript>
        <button type="submit" className="button">
          Go
        </button>
      </noscript>
    </form>
  );
}
