import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Passes webhooks on to the route of an app, as they are. Until it is opened, it responds that the app is not there. */
export class WebhookGate {
  /** The statuses of the app's responses. */
  readonly statuses: number[] = [];
  /** How many webhooks were sent while the gate was closed. */
  refused = 0;
  readonly #server: Server;
  #target: string | undefined;

  private constructor() {
    this.#server = createServer((incoming, outgoing) => {
      this.#pass(incoming).then(
        (status) => outgoing.writeHead(status).end(),
        () => outgoing.destroy(),
      );
    });
  }

  static async start(): Promise<WebhookGate> {
    const gate = new WebhookGate();
    gate.#server.listen(0, '127.0.0.1');
    await once(gate.#server, 'listening');
    return gate;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  /** Passes webhooks to this URL from now on. */
  open(target: string): void {
    this.#target = target;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  async #pass(incoming: IncomingMessage): Promise<number> {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    if (this.#target === undefined) {
      this.refused++;
      return 503;
    }
    const headers = Object.entries(incoming.headers).filter(([name]) =>
      /^(webhook-|content-type)/.test(name),
    );
    const body = Buffer.concat(chunks);
    const { status } = await fetch(this.#target, {
      method: 'POST',
      headers: headers as [string, string][],
      body,
    });
    this.statuses.push(status);
    return status;
  }
}
