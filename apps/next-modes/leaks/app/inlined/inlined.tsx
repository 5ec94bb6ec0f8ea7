'use client';

export function Inlined() {
  return (
    <button type="button" onClick={() => void fetch(`/pay?key=${process.env.INLINED_KEY}`)}>
      Pay
    </button>
  );
}
