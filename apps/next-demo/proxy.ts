import { type NextRequest, NextResponse } from 'next/server';

/** Gives each visitor an id for percentage rollouts, starting with the first request. */
export function proxy(request: NextRequest): NextResponse {
  if (request.cookies.has('userId')) return NextResponse.next();
  const userId = crypto.randomUUID();
  request.cookies.set('userId', userId);
  const response = NextResponse.next({ request });
  response.cookies.set('userId', userId, { httpOnly: true, sameSite: 'lax', path: '/', maxAge: 31_536_000 });
  return response;
}

export const config = { matcher: ['/'] };
