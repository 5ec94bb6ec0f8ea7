import Fastify from 'fastify';
import { expect, it } from 'vitest';
import { registerErrorHandling } from './error-handling.ts';
import { requestAjvOptions, requestValidationError } from './request-validation.ts';

const schema = {
  querystring: {
    type: 'object',
    required: ['environment'],
    properties: { environment: { type: 'string', minLength: 1 }, force: { enum: ['true', 'false'] } },
  },
  body: {
    type: 'object',
    required: ['values'],
    additionalProperties: false,
    properties: {
      values: {
        type: 'array',
        maxItems: 2,
        items: {
          type: 'object',
          required: ['key'],
          properties: {
            key: { type: 'string', pattern: '^[a-z]+$', maxLength: 5 },
            code: { type: 'string', pattern: '^[A-Z]+$', description: 'capital letters' },
            weight: { type: ['number', 'null'], maximum: 100 },
          },
        },
      },
    },
  },
};

it.each([
  ['', { values: [] }, 'Query parameter "environment" is required.'],
  ['?environment=', { values: [] }, 'Query parameter "environment" must not be empty.'],
  ['?environment=a&environment=b', { values: [] }, 'Query parameter "environment" must be a string.'],
  ['?environment=a&force=yes', { values: [] }, 'Query parameter "force" must be one of "true", "false".'],
  ['?environment=a', [], 'The body must be an object.'],
  ['?environment=a', {}, 'Field "values" is required.'],
  ['?environment=a', { values: [], vlaues: 1 }, 'Field "vlaues" is unknown.'],
  ['?environment=a', { values: 'sk_hidden' }, 'Field "values" must be an array.'],
  ['?environment=a', { values: [{ key: 'a' }, {}] }, 'Field "values[1].key" is required.'],
  ['?environment=a', { values: [{ key: 7 }] }, 'Field "values[0].key" must be a string.'],
  ['?environment=a', { values: [{ key: 'A' }] }, 'Field "values[0].key" must match ^[a-z]+$.'],
  [
    '?environment=a',
    { values: [{ key: 'a', code: 'x' }] },
    'Field "values[0].code" must be capital letters.',
  ],
  [
    '?environment=a',
    { values: [{ key: 'abcdef' }] },
    'Field "values[0].key" must have at most 5 characters.',
  ],
  [
    '?environment=a',
    { values: [{ key: 'a', weight: '1' }] },
    'Field "values[0].weight" must be a number or null.',
  ],
  ['?environment=a', { values: [{ key: 'a', weight: 101 }] }, 'Field "values[0].weight" must be <= 100.'],
])('%s %j is refused: %s', async (query, body, message) => {
  const app = Fastify({
    ajv: requestAjvOptions,
    schemaErrorFormatter: (issues, part) => requestValidationError(issues, part),
  });
  registerErrorHandling(app);
  app.post('/', { schema }, async () => ({}));
  const response = await app.inject({
    method: 'POST',
    url: `/${query}`,
    headers: { 'content-type': 'application/json' },
    payload: JSON.stringify(body),
  });
  await app.close();
  expect(response.statusCode).toBe(400);
  expect(response.json()).toEqual({ message });
});
