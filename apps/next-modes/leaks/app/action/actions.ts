'use server';
import { paymentKey } from '../charge';

export async function pay(): Promise<{ ok: boolean; key?: string }> {
  return { ok: true, key: paymentKey() };
}
