// Connections that cost the machine as little as possible, so that the servers are what is measured.
import { connect } from 'node:net';

/** `GET` or `POST` with a JSON body or a form, as it is sent. */
export function requestText({ url, method = 'GET', path, token, body, headers = {} }) {
  const lines = [`${method} ${path} HTTP/1.1`, `Host: ${new URL(url).host}`];
  if (token !== undefined) lines.push(`Authorization: Bearer ${token}`);
  for (const [name, value] of Object.entries(headers)) lines.push(`${name}: ${value}`);
  if (body === undefined) return `${lines.join('\r\n')}\r\n\r\n`;
  const isForm = body instanceof URLSearchParams;
  const text = isForm ? String(body) : JSON.stringify(body);
  const type = isForm ? 'application/x-www-form-urlencoded' : 'application/json';
  lines.push(`Content-Type: ${type}`, `Content-Length: ${Buffer.byteLength(text)}`);
  return `${lines.join('\r\n')}\r\n\r\n${text}`;
}

export function open(url) {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => undefined);
  return socket;
}

/** Sends the same request over and over, one after another per connection. Resolves with the failures. */
export async function hammer(url, text, { connections, requests }) {
  let left = requests;
  let failed = 0;
  const run = () =>
    new Promise((resolve, reject) => {
      const socket = open(url);
      socket.once('close', () => reject(new Error('a connection was closed')));
      const next = () => {
        if (left <= 0) {
          socket.removeAllListeners('close');
          socket.destroy();
          resolve();
          return;
        }
        left -= 1;
        socket.write(text);
      };
      // A small response arrives as one chunk.
      let missing = 0;
      socket.on('data', (chunk) => {
        if (missing > 0) missing -= chunk.length;
        else {
          if (!chunk.subarray(0, 15).includes(' 200 ')) failed += 1;
          const head = chunk.indexOf('\r\n\r\n') + 4;
          const length = Number(/content-length: (\d+)/i.exec(chunk.toString('latin1', 0, head))?.[1]);
          missing = head + length - chunk.length;
        }
        if (missing <= 0) next();
      });
      socket.once('connect', next);
    });
  await Promise.all(Array.from({ length: connections }, run));
  return failed;
}

/** Opens event streams; `onText` gets what arrives. Resolves when each has received its first event. */
export async function openStreams(url, texts, onText) {
  const sockets = [];
  // In small groups, so that the queue of new connections does not overflow.
  for (let from = 0; from < texts.length; from += 50) {
    await Promise.all(
      texts.slice(from, from + 50).map(
        (text) =>
          new Promise((resolve, reject) => {
            const socket = open(url);
            sockets.push(socket);
            socket.setEncoding('latin1');
            socket.once('close', () => reject(new Error('a stream was closed')));
            socket.on('data', (chunk) => {
              if (chunk.includes('event: ')) resolve();
              onText(chunk);
            });
            socket.write(text);
          }),
      ),
    );
  }
  return {
    close: () => {
      for (const socket of sockets) socket.destroy();
    },
  };
}
