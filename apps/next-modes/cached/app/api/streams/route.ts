import { connection } from 'next/server';

/** The number of open streams of this process, from the package's own state. For the tests. */
export async function GET(): Promise<Response> {
  await connection();
  const streams = (globalThis as Record<symbol, { ends: Set<unknown> } | undefined>)[
    Symbol.for('@smooai/config-next/streams')
  ];
  return new Response(String(streams?.ends.size ?? 0));
}
