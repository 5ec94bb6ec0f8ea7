import { once } from 'node:events';
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Passes requests on to a config server. While it holds, streams stay open, but bring heartbeats in place of changes. */
export class StreamHolder {
  isHolding = false;
  readonly #server: Server;

  private constructor(target: string) {
    const { hostname, port } = new URL(target);
    this.#server = createServer((incoming, outgoing) => {
      const isStream = incoming.headers.accept?.includes('text/event-stream') === true;
      const { method, url: path, headers } = incoming;
      const passed = request({ hostname, port, method, path, headers }, (response) => {
        outgoing.writeHead(response.statusCode ?? 502, response.headers);
        response.on('data', (chunk) => outgoing.write(isStream && this.isHolding ? ':\n\n' : chunk));
        response.on('end', () => outgoing.end());
        response.on('error', () => outgoing.destroy());
      });
      passed.on('error', () => outgoing.destroy());
      outgoing.on('error', () => passed.destroy());
      outgoing.once('close', () => passed.destroy());
      incoming.pipe(passed);
    });
  }

  static async start(target: string): Promise<StreamHolder> {
    const holder = new StreamHolder(target);
    holder.#server.listen(0, '127.0.0.1');
    await once(holder.#server, 'listening');
    return holder;
  }

  /** The URL of the same path on this server. */
  url(target: string): string {
    const url = new URL(target);
    url.port = String((this.#server.address() as AddressInfo).port);
    return url.href.replace(/\/$/, '');
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}
