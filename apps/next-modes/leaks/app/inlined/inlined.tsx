'use client';

export function Inlined() {
  return (
    <button type="button" onClick={() => fetch(`/pay?key=${process.env.INLINED_KEY}`)}>
      Pay
    </button>
  );
}
