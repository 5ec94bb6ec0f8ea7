import type { Socket } from 'node:net';
import type { ConnectionError } from 'fastify';

const ANSWERS: Readonly<Record<string, { status: string; message: string }>> = {
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

/** Answers what never became a request (a client too slow, too long or not speaking HTTP) and ends its connection. */
export function answerBrokenRequest(error: ConnectionError, socket: Socket): void {
  // The client is gone, or an answer is under way already: nothing can be said.
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) {
    socket.destroy();
    return;
  }
  const { status, message } = ANSWERS[error.code] ?? MALFORMED;
  const body = JSON.stringify({ message });
  socket.end(
    `HTTP/1.1 ${status}\r\nContent-Length: ${Buffer.byteLength(body)}\r\nContent-Type: application/json; charset=utf-8\r\nConnection: close\r\n\r\n${body}`,
    () => socket.destroy(),
  );
}
