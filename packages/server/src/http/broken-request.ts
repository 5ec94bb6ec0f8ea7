import type { Socket } from 'node:net';
import type { ConnectionError } from 'fastify';

const RESPONSES: Readonly<Record<string, { status: string; message: string }>> = {
  ERR_HTTP_REQUEST_TIMEOUT: {
    status: '408 Request Timeout',
    message: 'The request took too long to arrive.',
  },
  HPE_HEADER_OVERFLOW: {
    status: '431 Request Header Fields Too Large',
    message: 'The headers are too large.',
  },
};
const MALFORMED = { status: '400 Bad Request', message: 'The request is not valid HTTP.' };

/** Responds to input that never became a request (too slow, too large or not HTTP) and closes the connection. */
export function respondToBrokenRequest(error: ConnectionError, socket: Socket): void {
  // The client is gone, or a response has begun: there is nothing to send.
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) {
    socket.destroy();
    return;
  }
  const { status, message } = RESPONSES[error.code] ?? MALFORMED;
  const body = JSON.stringify({ message });
  socket.end(
    `HTTP/1.1 ${status}\r\nContent-Length: ${Buffer.byteLength(body)}\r\nContent-Type: application/json; charset=utf-8\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n${body}`,
    () => socket.destroy(),
  );
}
