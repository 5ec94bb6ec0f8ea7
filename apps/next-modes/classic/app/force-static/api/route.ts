import { limit } from '../../../../shared/config';

export const dynamic = 'force-static';

/** Runs during the build, and again when its value has changed. */
export async function GET(): Promise<Response> {
  return new Response(`static: ${await limit('cartItems')} items`);
}
