import Fastify from 'fastify';
import { expect, it } from 'vitest';
import { respondInOfrep } from './ofrep-error.ts';

it('an unexpected error is a 500 in the form of the protocol, without its text', async () => {
  const app = Fastify();
  await app.register(async (scope) => {
    respondInOfrep(scope);
    scope.post<{ Params: { key: string } }>('/flags/:key', () => {
      throw new Error('the text of the database');
    });
  });
  const response = await app.inject({ method: 'POST', url: '/flags/theme' });
  expect(response.statusCode).toBe(500);
  expect(response.json()).toEqual({ key: 'theme', errorDetails: 'internal error' });
});
