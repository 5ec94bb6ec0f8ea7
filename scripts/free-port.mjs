import { createServer } from 'node:net';

/**
 * The first free port on 127.0.0.1, from `preferred` on. 0 takes any free port below those that the system gives to other
 * sockets, so that none takes it before the caller's server listens.
 */
export async function freePort(preferred) {
  if (preferred === 0) return freePort(11_000 + Math.floor(Math.random() * 20_000));
  for (let port = preferred; port < preferred + 100; port += 1) {
    const found = await tryPort(port);
    if (found !== undefined) return found;
  }
  throw new Error(`The ports ${preferred} to ${preferred + 99} are all in use.`);
}

function tryPort(port) {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(port)));
  });
}
