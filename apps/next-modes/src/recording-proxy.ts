import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A proxy in front of the config server that keeps what it sends. */
export class RecordingProxy {
  readonly #server: Server;
  readonly #bodies: string[] = [];

  constructor(target: string) {
    this.#server = createServer((incoming, outgoing) => this.#pass(new URL(target), incoming, outgoing));
  }

  /** The bodies of all responses, including those of open streams. */
  get bodies(): readonly string[] {
    return this.#bodies;
  }

  /** Listens, and resolves with the URL. */
  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #pass(target: URL, incoming: IncomingMessage, outgoing: ServerResponse): void {
    const { method, url, headers } = incoming;
    const options = { method, headers: { ...headers, host: target.host, 'accept-encoding': 'identity' } };
    const upstream = request(new URL(url ?? '/', target), options, (response) => {
      const index = this.#bodies.push('') - 1;
      response.on('data', (chunk) => {
        this.#bodies[index] += chunk;
      });
      response.on('error', () => outgoing.destroy());
      outgoing.writeHead(response.statusCode ?? 502, response.headers);
      response.pipe(outgoing);
    });
    upstream.on('error', () => outgoing.destroy());
    outgoing.on('error', () => undefined);
    outgoing.on('close', () => upstream.destroy());
    incoming.pipe(upstream);
  }
}
