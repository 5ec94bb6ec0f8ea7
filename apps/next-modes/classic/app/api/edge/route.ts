import { flag } from '../../../../shared/config';

export const runtime = 'edge';

export async function GET(): Promise<Response> {
  return new Response((await flag('betaShop')) ? 'beta' : 'stable');
}
