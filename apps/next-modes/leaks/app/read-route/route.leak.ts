import { secret } from '../secrets';

export async function GET(): Promise<Response> {
  return Response.json({ key: await secret('signingKey') });
}
