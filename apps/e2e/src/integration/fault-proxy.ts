import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One request that came to a {@link FaultProxy}, and what can be done with it. */
export interface Exchange {
  /** Without the query. */
  readonly path: string;
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
  /** What the server behind answers; never settles where it cannot be reached, and the connection is cut then. */
  readonly ask: (headers?: Record<string, string>) => Promise<IncomingMessage>;
  /** Passes the request and its answer on as they are. */
  readonly pass: () => void;
}

/** What the proxy does instead of passing requests on; `refuse`: nothing listens. */
export type Fault = 'refuse' | ((exchange: Exchange) => void | Promise<void>);

/** A proxy in front of the config server that can refuse streams or everything, or answer in any other wrong way. */
export class FaultProxy {
  /** The server behind; may be replaced by another. */
  target: string;
  /** Answer 503 for `/stream`. */
  refuseStreams = false;
  /** Answer 404 for `/ruleset` and `/stream`, as a platform with the published contract only. */
  hasContractOnly = false;
  /** Called with each request's path before it is forwarded, which waits for the answer. */
  onRequest: (path: string) => Promise<void> | undefined = () => undefined;
  /** Requests seen, by `METHOD path`, without the query. */
  readonly seen: string[] = [];
  #server: Server | undefined;
  #port = 0;
  #fault: Fault | undefined;
  readonly #open = new Set<ServerResponse>();

  constructor(target: string) {
    this.target = target;
  }

  async listen(): Promise<string> {
    await this.#listen();
    return `http://127.0.0.1:${this.#port}`;
  }

  /** From now on requests meet the fault. Open connections are cut, or fall silent for good, or go on. */
  async begin(fault: Fault, open: 'cut' | 'silence' | 'keep' = 'cut'): Promise<void> {
    this.#fault = fault;
    if (open === 'silence') this.strand();
    if (open === 'cut') this.cut();
    if (fault === 'refuse') await this.#unlisten();
  }

  /** From now on requests are passed on again. What is under way stays as it is. */
  async end(): Promise<void> {
    const fault = this.#fault;
    this.#fault = undefined;
    if (fault === 'refuse') await this.#listen();
  }

  /** Ends every open connection amid its answer. */
  cut(): void {
    for (const response of this.#open) response.destroy();
  }

  /** Lets open answers go on without another byte, as where a router forgot the connection. */
  strand(): void {
    for (const response of this.#open) response.emit('strand');
  }

  async close(): Promise<void> {
    this.cut();
    await this.#unlisten();
  }

  async #listen(): Promise<void> {
    const server = createServer((incoming, outgoing) => this.#take(incoming, outgoing));
    this.#server = server;
    for (let attempt = 1; ; attempt += 1) {
      try {
        await new Promise<void>((resolve, reject) => {
          server.once('error', reject);
          server.listen(this.#port, '127.0.0.1', resolve);
        });
        break;
      } catch (error) {
        // Meanwhile another connection of this machine may have got the port for a moment.
        if (attempt === 50) throw error;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
    this.#port = (server.address() as AddressInfo).port;
  }

  async #unlisten(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  }

  #take(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const path = (incoming.url ?? '').split('?')[0] ?? '';
    this.seen.push(`${incoming.method} ${path}`);
    this.#open.add(outgoing);
    outgoing.once('close', () => this.#open.delete(outgoing));
    const ask = (headers = {}) => this.#ask(incoming, outgoing, headers);
    const pass = (): void => void ask().then((answer) => passOn(answer, outgoing));
    if (this.refuseStreams && path.endsWith('/stream')) outgoing.writeHead(503).end();
    else if (this.hasContractOnly && /\/config\/(ruleset|stream)$/.test(path)) notFound(outgoing);
    else if (typeof this.#fault === 'function') void this.#fault({ path, incoming, outgoing, ask, pass });
    else pass();
  }

  async #ask(
    incoming: IncomingMessage,
    outgoing: ServerResponse,
    headers: Record<string, string>,
  ): Promise<IncomingMessage> {
    const held = this.onRequest((incoming.url ?? '').split('?')[0] ?? '');
    if (held !== undefined) await held;
    const { hostname, port } = new URL(this.target);
    const { url: path, method } = incoming;
    return new Promise((resolve) => {
      const forwarded = request(
        { hostname, port, path, method, headers: { ...incoming.headers, ...headers } },
        resolve,
      );
      forwarded.once('error', () => outgoing.destroy());
      outgoing.once('close', () => forwarded.destroy());
      incoming.pipe(forwarded);
    });
  }
}

function notFound(outgoing: ServerResponse): void {
  outgoing.writeHead(404, { 'content-type': 'application/json' }).end('{"message":"Not Found"}');
}

function passOn(answer: IncomingMessage, outgoing: ServerResponse): void {
  outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
  outgoing.once('strand', () => {
    answer.unpipe(outgoing);
    answer.resume();
  });
  // The server went away amid its answer.
  answer.once('aborted', () => outgoing.destroy());
  answer.pipe(outgoing);
}
