'use client';

import { type CountryCode, countries } from '@smooai-demo/demo-schema/countries';
import type { ReactElement } from 'react';
import { chooseCountry } from '../actions.ts';

/** Selects the country to ship to, which flags are targeted by. */
export function CountrySelector({ country }: { country: CountryCode }): ReactElement {
  return (
    <form action={chooseCountry} className="country">
      <label htmlFor="country">Ship to</label>
      <select
        id="country"
        name="country"
        // A form action resets its fields. A new key creates a new field with the new default.
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
    </form>
  );
}
