import { once } from 'node:events';
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Passes requests on to a config server, and counts its streams. */
export class CountingProxy {
  /** Streams that were opened, and those that are open now. */
  readonly streams = { opened: 0, open: 0 };
  /** The most streams that were open at the same time. */
  mostStreams = 0;
  readonly #server: Server;

  private constructor(target: string) {
    const { hostname, port } = new URL(target);
    this.#server = createServer((incoming, outgoing) => {
      const isStream = incoming.headers.accept?.includes('text/event-stream') === true;
      if (isStream) {
        this.streams.opened++;
        this.streams.open++;
        this.mostStreams = Math.max(this.mostStreams, this.streams.open);
        outgoing.once('close', () => {
          this.streams.open--;
        });
      }
      const { method, url: path, headers } = incoming;
      const passed = request({ hostname, port, method, path, headers }, (response) => {
        outgoing.writeHead(response.statusCode ?? 502, response.headers);
        response.pipe(outgoing);
      });
      passed.on('error', () => outgoing.destroy());
      outgoing.once('close', () => passed.destroy());
      incoming.pipe(passed);
    });
  }

  static async start(target: string): Promise<CountingProxy> {
    const proxy = new CountingProxy(target);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  /** The URL of the same path on the proxy. */
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
