import { paymentKey } from '../charge';

export function GET(): Response {
  return Response.json({ key: paymentKey() });
}
