// Run by token-process.test.ts: loads the ESM and the CommonJS copy of the package in one process.
import { createRequire } from 'node:module';
import { setImmediate as nextTurn } from 'node:timers/promises';
import * as core from '@smooai/config';
import * as esm from '@smooai/config/server';

const cjs = createRequire(import.meta.url)('@smooai/config/server');
const warnings = [];
process.on('warning', ({ name }) => warnings.push(name));

const { AUTH_URL: authUrl, CLIENT_ID: clientId, CLIENT_SECRET: clientSecret } = process.env;
const options = { authUrl, clientId, clientSecret };
const { signal } = new AbortController();
const shared = [esm, cjs].map(({ getSharedTokenProvider }) => getSharedTokenProvider(options));
const own = [esm, cjs].map(({ TokenProvider }) => new TokenProvider(options));
const calls = [...shared, ...own].flatMap((provider) =>
  Array.from({ length: 20 }, () => provider.getAccessToken({ signal })),
);
const tokens = await Promise.all(calls);
const wrong = new cjs.TokenProvider({ ...options, clientSecret: 'wrong' });
const error = await wrong.getAccessToken().catch((reason) => reason);
await nextTurn();
process.stdout.write(
  JSON.stringify({
    copies: new Set([esm.TokenProvider, cjs.TokenProvider]).size,
    shared: new Set(shared).size,
    tokens: new Set(tokens).size,
    isOurs: core.isConfigError(error, 'ERR_TOKEN_REJECTED'),
    warnings,
  }),
);
