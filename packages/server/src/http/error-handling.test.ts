import Fastify from 'fastify';
import { expect, it } from 'vitest';
import { Refusal } from '../domain/refusal.ts';
import { createServerLogger } from '../server-logger.ts';
import { UniqueViolationError } from '../storage/storage.ts';
import { registerErrorHandling, sendOAuthError } from './error-handling.ts';

async function answerTo(
  error: unknown,
  oauth = false,
): Promise<{ status: number; body: unknown; log: string }> {
  let log = '';
  const stream = { write: (line: string) => (log += line) };
  const app = Fastify({ loggerInstance: createServerLogger({ level: 'trace', stream }) });
  if (oauth) app.setErrorHandler((failure, request, reply) => sendOAuthError(failure, request, reply));
  else registerErrorHandling(app);
  app.get('/', async () => {
    throw error;
  });
  const answer = await app.inject({ url: '/?key=pk_hidden' });
  await app.close();
  return { status: answer.statusCode, body: answer.json(), log };
}

it('shows nothing of an unknown error, and logs its kind and place only', async () => {
  const failure = Object.assign(new TypeError('cannot parse "sk_hidden"'), { code: 'SQLITE_FULL' });
  for (const oauth of [false, true]) {
    const { status, body, log } = await answerTo(failure, oauth);
    expect(status).toBe(500);
    expect(body).toEqual({ message: 'internal error', ...(oauth ? { error: 'server_error' } : {}) });
    expect(log).toContain('SQLITE_FULL');
    expect(log).toContain('error-handling.test.ts');
    expect(log).not.toMatch(/sk_hidden|pk_hidden/);
  }
});

it('believes no status of 5xx or none, and hides the text of a foreign 4xx', async () => {
  const unavailable = Object.assign(new Error('sk_hidden'), { statusCode: 503 });
  expect(await answerTo(unavailable)).toMatchObject({ status: 500, body: { message: 'internal error' } });
  expect(await answerTo('sk_hidden')).toMatchObject({ status: 500, body: { message: 'internal error' } });
  const foreign = Object.assign(new Error('sk_hidden'), { statusCode: 418 });
  expect(await answerTo(foreign)).toMatchObject({
    status: 418,
    body: { message: 'The request is not valid.' },
  });
});

it('shows refusals with their cause and fields', async () => {
  const refusal = new Refusal('conflict', 'In use.', { detail: 'By a value.', fields: { conflicts: ['a'] } });
  const { status, body } = await answerTo(refusal);
  expect([status, body]).toEqual([409, { message: 'In use.', cause: 'By a value.', conflicts: ['a'] }]);
  expect(await answerTo(new UniqueViolationError('name'))).toMatchObject({ status: 409 });
});
