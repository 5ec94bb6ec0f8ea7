import { createServer } from 'node:net';

/** The first free port on 127.0.0.1, from `preferred` on. 0 takes any free port. */
export async function freePort(preferred) {
  for (let port = preferred; port < preferred + 100; port += 1) {
    const found = await tryPort(port);
    if (found !== undefined) return found;
    if (preferred === 0) break;
  }
  throw new Error(`The ports ${preferred} to ${preferred + 99} are all in use.`);
}

function tryPort(port) {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen(port, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : undefined));
    });
  });
}
