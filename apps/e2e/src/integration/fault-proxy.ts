import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A proxy in front of the config server that can refuse streams or everything. */
export class FaultProxy {
  /** Answer 503 for `/stream`. */
  refuseStreams = false;
  /** Answer 404 for `/ruleset` and `/stream`, as a platform with the published contract only. */
  hasContractOnly = false;
  /** Called with each request's path before it is forwarded, which waits for the answer. */
  onRequest: (path: string) => Promise<void> | undefined = () => undefined;
  /** Requests seen, by `METHOD path`, without the query. */
  readonly seen: string[] = [];
  readonly #server: Server;
  readonly #open = new Set<ServerResponse>();

  constructor(target: string) {
    this.#server = createServer((incoming, outgoing) => {
      const path = (incoming.url ?? '').split('?')[0] ?? '';
      this.seen.push(`${incoming.method} ${path}`);
      if (this.refuseStreams && path.endsWith('/stream')) {
        outgoing.writeHead(503).end();
        return;
      }
      if (this.hasContractOnly && /\/config\/(ruleset|stream)$/.test(path)) {
        outgoing.writeHead(404, { 'content-type': 'application/json' }).end('{"message":"Not Found"}');
        return;
      }
      this.#open.add(outgoing);
      outgoing.once('close', () => this.#open.delete(outgoing));
      const held = this.onRequest(path);
      if (held === undefined) forward(target, incoming, outgoing);
      else void held.then(() => forward(target, incoming, outgoing));
    });
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Resets every open connection. */
  cut(): void {
    for (const response of this.#open) response.destroy();
  }

  async close(): Promise<void> {
    this.cut();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

function forward(target: string, incoming: IncomingMessage, outgoing: ServerResponse): void {
  if (outgoing.destroyed) return;
  const { hostname, port } = new URL(target);
  const forwarded = request(
    { hostname, port, path: incoming.url, method: incoming.method, headers: incoming.headers },
    (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    },
  );
  forwarded.once('error', () => outgoing.destroy());
  outgoing.once('close', () => forwarded.destroy());
  incoming.pipe(forwarded);
}
