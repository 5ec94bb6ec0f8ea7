import { createHmac, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

/** A request that a receiver has got. */
interface ReceivedWebhook {
  id: string;
  /** Whether the signature is that of the secret, as https://www.standardwebhooks.com says. */
  isSigned: boolean;
  text: string;
  body: { environment: string; revision: string; keys?: string[] };
}

/** How a receiver responds to a request. */
interface ReceiverResponse {
  status: number;
  headers?: Record<string, string>;
  /** Called before it responds, while the sender waits. */
  before?: () => void;
}

/** A program on this machine that gets webhooks; closed when the test ends. */
export interface WebhookReceiver {
  readonly url: string;
  readonly received: ReceivedWebhook[];
  /** The keys of the requests so far, of one environment. `all`: a request without keys. */
  keysOf(environment: string): (string[] | 'all')[];
}

/**
 * Starts a receiver.
 * @param options `responses`: how it responds to the first requests; then 204. `silent`: it never responds
 */
export async function startReceiver(
  secret: string,
  { responses = [], silent = false }: { responses?: ReceiverResponse[]; silent?: boolean } = {},
): Promise<WebhookReceiver> {
  const received: ReceivedWebhook[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const text = Buffer.concat(chunks).toString();
      const id = String(request.headers['webhook-id']);
      const signed = `${id}.${String(request.headers['webhook-timestamp'])}.${text}`;
      const mac = Buffer.from(createHmac('sha256', secret).update(signed).digest('base64'));
      const given = Buffer.from(String(request.headers['webhook-signature']).replace('v1,', ''));
      const isSigned = given.length === mac.length && timingSafeEqual(given, mac);
      received.push({ id, isSigned, text, body: JSON.parse(text) });
      if (silent) return;
      const { status, headers = {}, before } = responses.shift() ?? { status: 204 };
      before?.();
      response.writeHead(status, headers).end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook?token=of-the-url`,
    received,
    keysOf: (environment) =>
      received
        .filter(({ body }) => body.environment === environment)
        .map(({ body }) => body.keys?.sort() ?? 'all'),
  };
}
