import { createServer, type IncomingMessage, request } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** An HTTP proxy on loopback. */
export interface LoopbackProxy {
  host: string;
  /** Each request as `METHOD target`, such as `CONNECT localhost:443` or `GET http://localhost:80/path`. */
  seen: string[];
  /** The `Proxy-Authorization` headers. */
  credentials: (string | undefined)[];
}

interface ProxyFaults {
  /** Refuses everything with this status. */
  refuseWith?: number;
  /** Closes each connection when its request arrives. */
  closes?: boolean;
}

/** Starts a proxy that forwards plain requests and tunnels. It stops with the test. */
export async function startProxy({ refuseWith, closes }: ProxyFaults = {}): Promise<LoopbackProxy> {
  const seen: string[] = [];
  const credentials: (string | undefined)[] = [];
  const sockets = new Set<Socket>();
  const note = ({ method, url, headers }: IncomingMessage): URL => {
    seen.push(`${method} ${url}`);
    credentials.push(headers['proxy-authorization']);
    return new URL(method === 'CONNECT' ? `http://${url}` : String(url));
  };
  const server = createServer((incoming, response) => {
    const target = note(incoming);
    if (closes === true) {
      incoming.socket.destroy();
      return;
    }
    if (refuseWith !== undefined) {
      response.writeHead(refuseWith).end();
      return;
    }
    const { 'proxy-authorization': _, ...headers } = incoming.headers;
    const outgoing = request(target, { method: incoming.method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    outgoing.on('error', () => response.destroy());
    incoming.pipe(outgoing);
  });
  server.on('connect', (incoming: IncomingMessage, socket: Socket) => {
    const { hostname, port } = note(incoming);
    socket.on('error', () => undefined);
    if (closes === true) {
      socket.destroy();
      return;
    }
    if (refuseWith !== undefined) {
      socket.end(`HTTP/1.1 ${refuseWith} Refused\r\n\r\n`);
      return;
    }
    const upstream = connect(Number(port || 80), hostname, () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      socket.pipe(upstream).pipe(socket);
    });
    sockets.add(upstream);
    upstream.on('error', () => socket.destroy());
  });
  server.on('connection', (socket) => sockets.add(socket));
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return { host: `127.0.0.1:${(server.address() as AddressInfo).port}`, seen, credentials };
}
