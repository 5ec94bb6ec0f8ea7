import { createServer } from 'node:http';

/** An OAuth issuer on a free loopback port that counts its exchanges. Every token is different. */
export async function startCountingIssuer({ latencyMs }) {
  const state = { exchanges: 0, lifeSec: 3600 };
  const server = createServer((request, response) => {
    request.resume();
    request.on('end', () => {
      state.exchanges += 1;
      const token = `token-${state.exchanges}`;
      const body = JSON.stringify({ access_token: token, token_type: 'Bearer', expires_in: state.lifeSec });
      setTimeout(() => response.writeHead(200, { 'content-type': 'application/json' }).end(body), latencyMs);
    });
  });
  // Longer than the wait between two stampedes. Otherwise a peer could reuse a connection just as it is closed.
  server.keepAliveTimeout = 120_000;
  await new Promise((resolve) => server.listen({ port: 0, host: '127.0.0.1', backlog: 16_384 }, resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    state,
    close: () =>
      new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      }),
  };
}
