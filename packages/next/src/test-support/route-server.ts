import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { inRouteHandler } from './next-render.ts';

/** A server with one route for POST. */
interface RouteServer {
  readonly url: string;
  /** The tags that each request has revalidated. */
  readonly revalidated: string[][];
  /** The status of each response. */
  readonly statuses: number[];
  close(): void;
}

/** Serves a route handler over HTTP. The first requests fail with the given statuses. */
export async function serveRoute(
  handle: (request: Request) => Promise<Response>,
  failures: number[] = [],
): Promise<RouteServer> {
  const revalidated: string[][] = [];
  const statuses: number[] = [];
  const respond = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const request = new Request('http://127.0.0.1/', {
      method: incoming.method ?? '',
      headers: incoming.headers as Record<string, string>,
      body: Buffer.concat(chunks),
    });
    const failure = failures.shift();
    if (failure === undefined) {
      const result = await inRouteHandler(() => handle(request));
      statuses.push(result.response.status);
      revalidated.push((result.revalidated as [string][]).map(([tag]) => tag));
    } else statuses.push(failure);
    outgoing.writeHead(statuses.at(-1) ?? 500).end();
  };
  const server = createServer((incoming, outgoing) => {
    respond(incoming, outgoing).catch(() => outgoing.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    revalidated,
    statuses,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
