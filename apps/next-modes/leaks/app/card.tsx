'use client';

export function Card({ account }: { account: { key: string } }) {
  return <p>{account.key.length}</p>;
}
