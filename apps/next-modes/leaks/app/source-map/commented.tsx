'use client';

// Before the config server: headers.set("paymentKey", key)
export function Commented() {
  return <p>Commented</p>;
}
