// Sets the global AsyncLocalStorage, as `next start` does before it loads an app.
import 'next/dist/server/node-environment-baseline.js';
