import { countries } from '@smooai-demo/demo-schema/countries';
import { type FormEvent, type ReactElement, useState } from 'react';
import type { Shopper } from './shopper.ts';

interface ShopperFormProps {
  shopper: Shopper;
  onChange: (shopper: Shopper) => void;
}

/** Selects the shopper whose values are shown. */
export function ShopperForm({ shopper, onChange }: ShopperFormProps): ReactElement {
  const [userId, setUserId] = useState(shopper.userId);
  const choose = (next: Shopper): void => {
    setUserId(next.userId);
    if (next.country !== shopper.country || next.userId !== shopper.userId) onChange(next);
  };
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    choose({ ...shopper, userId: userId.trim() });
  };
  return (
    <form className="panel shopper" onSubmit={submit} aria-label="Shopper">
      <label>
        Shopper’s country
        <select
          data-testid="shopper-country"
          value={shopper.country}
          onChange={(event) => choose({ userId: userId.trim(), country: event.target.value })}
        >
          {countries.map(({ code, name }) => (
            <option key={code} value={code}>
              {name}
            </option>
          ))}
          <option value="">Unknown</option>
        </select>
      </label>
      <label>
        Shopper’s user ID
        <input
          data-testid="shopper-userId"
          value={userId}
          maxLength={64}
          autoComplete="off"
          spellCheck={false}
          placeholder="Not signed in"
          onChange={(event) => setUserId(event.target.value)}
          onBlur={() => choose({ ...shopper, userId: userId.trim() })}
        />
      </label>
      <button
        type="button"
        className="button"
        onClick={() => choose({ ...shopper, userId: `shopper-${Math.floor(Math.random() * 9000) + 1000}` })}
      >
        Pick another shopper
      </button>
    </form>
  );
}
