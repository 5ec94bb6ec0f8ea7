'use client';
import { useActionState } from 'react';
import { pay } from './actions';

export function Pay() {
  const [result, submit] = useActionState(pay, { ok: false });
  return (
    <form action={submit}>
      <button type="submit">{result.ok ? 'Paid' : 'Pay'}</button>
    </form>
  );
}
