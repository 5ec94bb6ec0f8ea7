const SHIPPING_CENTS = 695;

/** What shipping an order costs, in cents. */
export function shippingCost(freeShipping: boolean): number {
  return freeShipping ? 0 : SHIPPING_CENTS;
}
