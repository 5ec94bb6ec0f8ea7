import Fastify from 'fastify';
import { expect, it } from 'vitest';
import { Refusal } from '../domain/refusal.ts';
import { createServerLogger } from '../server-logger.ts';
import { UniqueViolationError } from '../storage/storage.ts';
import { registerErrorHandling, sendOAuthError } from './error-handling.ts';

async function responseTo(
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
  const response = await app.inject({ url: '/?key=pk_hidden' });
  await app.close();
  return { status: response.statusCode, body: response.json(), log };
}

it('hides an unknown error and logs only its type and stack', async () => {
  const failure = Object.assign(new TypeError('cannot parse "sk_hidden"'), { code: 'SQLITE_FULL' });
  for (const oauth of [false, true]) {
    const { status, body, log } = await responseTo(failure, oauth);
    expect(status).toBe(500);
    expect(body).toEqual({ message: 'internal error', ...(oauth ? { error: 'server_error' } : {}) });
    expect(log).toContain('SQLITE_FULL');
    expect(log).toContain('error-handling.test.ts');
    expect(log).not.toMatch(/sk_hidden|pk_hidden/);
  }
});

it('ignores a foreign 5xx status and hides the text of a foreign 4xx', async () => {
  const unavailable = Object.assign(new Error('sk_hidden'), { statusCode: 503 });
  expect(await responseTo(unavailable)).toMatchObject({ status: 500, body: { message: 'internal error' } });
  expect(await responseTo('sk_hidden')).toMatchObject({ status: 500, body: { message: 'internal error' } });
  const foreign = Object.assign(new Error('sk_hidden'), { statusCode: 418 });
  expect(await responseTo(foreign)).toMatchObject({
    status: 418,
    body: { message: 'The request is not valid.' },
  });
});

it('shows refusals with their cause and fields', async () => {
  const refusal = new Refusal('conflict', 'In use.', { detail: 'By a value.', fields: { conflicts: ['a'] } });
  const { status, body } = await responseTo(refusal);
  expect([status, body]).toEqual([409, { message: 'In use.', cause: 'By a value.', conflicts: ['a'] }]);
  expect(await responseTo(new UniqueViolationError('name'))).toMatchObject({ status: 409 });
});
