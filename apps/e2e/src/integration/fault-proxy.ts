import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request to a {@link FaultProxy}, with the ways to handle it. */
export interface Exchange {
  /** The path without the query. */
  readonly path: string;
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
  /** Forwards the request and resolves with the response. If the server is unreachable, cuts the connection instead. */
  readonly forward: (headers?: Record<string, string>) => Promise<IncomingMessage>;
  /** Forwards the request and sends the response back unchanged. */
  readonly pass: () => void;
}

/** What the proxy does with requests instead of forwarding them. `refuse`: it does not listen. */
export type Fault = 'refuse' | ((exchange: Exchange) => void | Promise<void>);

/** A proxy in front of the config server that can misbehave in many ways. */
export class FaultProxy {
  /** The URL of the server. Can be changed. */
  target: string;
  /** Returns 503 for `/stream`. */
  refuseStreams = false;
  /** Returns 404 for `/ruleset` and `/stream`, as a platform that only has the published contract does. */
  hasContractOnly = false;
  /** Called with the path before a request is forwarded. The request waits for the returned promise. */
  onRequest: (path: string) => Promise<void> | undefined = () => undefined;
  /** The requests so far: `METHOD path`, without the query. */
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

  /** Begins a fault. Open connections are cut, fall silent for good, or continue. */
  async begin(fault: Fault, open: 'cut' | 'silence' | 'keep' = 'cut'): Promise<void> {
    this.#fault = fault;
    if (open === 'silence') this.silence();
    if (open === 'cut') this.cut();
    if (fault === 'refuse') await this.#unlisten();
  }

  /** Ends the fault: new requests are forwarded again. Requests in progress are not changed. */
  async end(): Promise<void> {
    const fault = this.#fault;
    this.#fault = undefined;
    if (fault === 'refuse') await this.#listen();
  }

  /** Cuts every open connection in the middle of its response. */
  cut(): void {
    for (const response of this.#open) response.destroy();
  }

  /** Keeps open connections without sending another byte, like a router that has lost the connection. */
  silence(): void {
    for (const response of this.#open) response.emit('silence');
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
        // Another connection of this machine may have taken the port for a moment.
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
    const forward = (headers = {}) => this.#forward(incoming, outgoing, headers);
    const pass = (): void => void forward().then((response) => sendBack(response, outgoing));
    if (this.refuseStreams && path.endsWith('/stream')) outgoing.writeHead(503).end();
    else if (this.hasContractOnly && /\/config\/(ruleset|stream)$/.test(path)) notFound(outgoing);
    else if (typeof this.#fault === 'function') void this.#fault({ path, incoming, outgoing, forward, pass });
    else pass();
  }

  async #forward(
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

function sendBack(response: IncomingMessage, outgoing: ServerResponse): void {
  outgoing.writeHead(response.statusCode ?? 502, response.headers);
  outgoing.once('silence', () => {
    response.unpipe(outgoing);
    response.resume();
  });
  // The server has gone away in the middle of its response.
  response.once('aborted', () => outgoing.destroy());
  response.pipe(outgoing);
}
