'use client';

import { useFlag } from '@smooai/config-next/client';
import { formatPrice } from '@smooai-demo/demo-schema/products';
import { type ReactElement, useState } from 'react';
import { useCart } from './cart-context.tsx';
import { type CheckoutResult, placeOrder } from './place-order.ts';

interface CheckoutProps {
  /** In cents. */
  total: number;
  /** Whether the cart cannot be ordered, because it is empty or too full. */
  blocked: boolean;
}

/** The checkout: one step with the new checkout, two with the old one. */
export function Checkout({ total, blocked }: CheckoutProps): ReactElement {
  const newCheckout = useFlag('newCheckout');
  const { items, clear } = useCart();
  const [isReviewing, setReviewing] = useState(false);
  const [isBusy, setBusy] = useState(false);
  const [result, setResult] = useState<CheckoutResult>();
  const pay = async (): Promise<void> => {
    setBusy(true);
    const placed = await placeOrder(items);
    setBusy(false);
    setResult(placed);
    setReviewing(false);
    if (placed.ok) clear();
  };
  const needsReview = !newCheckout && !isReviewing;
  const label = newCheckout
    ? `Pay ${formatPrice(total)} now`
    : needsReview
      ? 'Continue to checkout'
      : 'Place the order';
  return (
    <div className={newCheckout ? 'checkout checkout-new' : 'checkout'}>
      <p data-testid="flag-newCheckout" data-value={newCheckout} className="checkout-kind">
        One-step checkout is {newCheckout ? 'on' : 'off'}
      </p>
      {isReviewing && !newCheckout && !blocked && (
        <p className="muted small">Step 2 of 2. You pay {formatPrice(total)} on delivery.</p>
      )}
      <button
        type="button"
        className="button button-primary checkout-button"
        disabled={blocked || isBusy}
        onClick={needsReview ? () => setReviewing(true) : () => void pay()}
      >
        {isBusy ? 'Placing your order…' : blocked && newCheckout ? 'Pay in one step' : label}
      </button>
      <div role="status">{result !== undefined && <Outcome result={result} />}</div>
    </div>
  );
}

function Outcome({ result }: { result: CheckoutResult }): ReactElement {
  if (!result.ok) return <p className="notice bad small">{result.message}</p>;
  return (
    <p className="notice good small">
      Order {result.orderId} has been placed. Receipt <code>{result.signature.slice(0, 16)}</code>
    </p>
  );
}
