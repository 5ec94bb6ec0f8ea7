// Run by token-process.test.ts: the process ends while a token is being refreshed.
import { setTimeout as sleep } from 'node:timers/promises';
import { TokenProvider } from '@smooai/config/server';

const provider = new TokenProvider({
  authUrl: process.env.AUTH_URL,
  clientId: 'c',
  clientSecret: 's',
  timeoutMs: 1_000,
});
const first = await provider.getAccessToken();
// Into the refresh window of its last minute, so that a busy machine has time before it expires.
const now = Date.now;
Date.now = () => now() + 3_560_000;
while (!provider.status().isExchanging) {
  await sleep(20);
  if ((await provider.getAccessToken()) !== first) throw new Error('The token was replaced.');
}
process.stdout.write(provider.status().token);
