import { connection } from 'next/server';
import { paymentKey } from '../charge';

export async function GET(): Promise<Response> {
  await connection();
  return Response.json({ key: encodeURIComponent(paymentKey()) });
}
