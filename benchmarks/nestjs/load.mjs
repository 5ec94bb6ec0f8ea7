import { connect } from 'node:net';

const REQUEST = 'GET /read HTTP/1.1\r\nHost: bench\r\nX-User: ada\r\n\r\n';
export const BODY = '{"theme":"dark","beta":true,"checkout":true,"limit":50}';

/** Sends requests over some connections, one after the other on each, with as little code as can. Resolves with the seconds. */
export async function load({ port, requests, connections }) {
  let left = requests;
  const begin = performance.now();
  await Promise.all(
    Array.from({ length: connections }, async () => {
      const socket = connect(port, '127.0.0.1').setNoDelay(true);
      let text = '';
      const response = () =>
        new Promise((resolve, reject) => {
          socket.once('error', reject);
          socket.on('data', function take(chunk) {
            text += chunk;
            if (!text.endsWith('}')) return;
            socket.off('data', take);
            socket.off('error', reject);
            if (!text.endsWith(BODY)) return reject(new Error(`unexpected response: ${text}`));
            text = '';
            resolve();
          });
        });
      while (left > 0) {
        left -= 1;
        socket.write(REQUEST);
        await response();
      }
      socket.destroy();
    }),
  );
  return (performance.now() - begin) / 1000;
}
