// Forked: asks /healthz of URL every few milliseconds until the order `stop`, and returns how long the responses took.
import { setTimeout as sleep } from 'node:timers/promises';
import { open, requestText } from './load.mjs';

const EVERY_MS = 10;
const url = process.env.URL;
const text = requestText({ url, path: '/healthz' });
const times = [];
let isOver = false;
process.on('disconnect', () => process.exit());
process.once('message', () => {
  isOver = true;
});
const socket = open(url);
await new Promise((resolve) => socket.once('connect', resolve));
process.send({ isReady: true });
while (!isOver) {
  const startedAt = performance.now();
  socket.write(text);
  await new Promise((resolve) => socket.once('data', resolve));
  times.push(performance.now() - startedAt);
  await sleep(EVERY_MS);
}
times.sort((left, right) => left - right);
process.send({ median: times[Math.floor(times.length / 2)], longest: times.at(-1) });
socket.destroy();
