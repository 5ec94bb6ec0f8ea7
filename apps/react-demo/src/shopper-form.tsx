import { type FormEvent, type ReactElement, useState } from 'react';
import { countries, type Shopper } from './shopper.ts';

interface ShopperFormProps {
  shopper: Shopper;
  onChange: (shopper: Shopper) => void;
}

/** Chooses whose answers are shown. */
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
    <form className="panel stack shopper" onSubmit={submit} aria-labelledby="shopper-title">
      <div className="panel-head">
        <h2 id="shopper-title">Shopper</h2>
        <button
          type="button"
          className="text-button"
          onClick={() => choose({ ...shopper, userId: `shopper-${Math.floor(Math.random() * 9000) + 1000}` })}
        >
          Pick another
        </button>
      </div>
      <label>
        Country
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
          <option value="">Not known</option>
        </select>
      </label>
      <label>
        User id
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
    </form>
  );
}
