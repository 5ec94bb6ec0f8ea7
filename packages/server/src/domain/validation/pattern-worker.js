// JavaScript, so that the worker thread can load it in tests too: Node 20 does not run TypeScript.
import { parentPort } from 'node:worker_threads';
// The browser build is pure JavaScript; the others come with a binary or need Java. It is bundled into dist, since the
// package itself would install both.
import recheck from 'recheck/lib/browser.js';

parentPort?.on('message', ({ pattern, flags, timeout }) => {
  let status = 'unknown';
  try {
    status = recheck.checkSync(pattern, flags, { timeout }).status;
  } catch {
    // Not analysed, so not proven safe.
  }
  parentPort?.postMessage(status);
});
