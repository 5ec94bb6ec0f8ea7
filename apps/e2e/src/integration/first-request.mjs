// Sends token requests with the built package, given as `esm` or `cjs`, and prints as JSON when ofetch was loaded and which
// `fetch` was called. ofetch reads the global `Headers` while it loads, and nothing before it does.
import { createRequire } from 'node:module';
import process from 'node:process';

const [, , format] = process.argv;
const require = createRequire(import.meta.url);
const called = [];
const fetchNamed = (name) => async () => {
  called.push(name);
  return new Response(JSON.stringify({ access_token: `of-${name}`, token_type: 'Bearer' }));
};

let isLoaded = false;
const { Headers } = globalThis;
Object.defineProperty(globalThis, 'Headers', {
  configurable: true,
  get() {
    isLoaded ||= new Error().stack.includes('ofetch');
    return Headers;
  },
});

const core = format === 'cjs' ? require('@smooai/config/server') : await import('@smooai/config/server');
const provider = (fetch) =>
  new core.TokenProvider({ authUrl: 'https://auth.example.com', clientId: 'c', clientSecret: 's', fetch });
const [own, other] = [provider(fetchNamed('given')), provider()];
const loadedBefore = isLoaded;
await own.getAccessToken();
const loadedAfter = isLoaded;
globalThis.fetch = fetchNamed('global');
await other.getAccessToken();
globalThis.fetch = fetchNamed('replaced');
await provider().getAccessToken();
process.stdout.write(JSON.stringify({ loadedBefore, loadedAfter, called }));
