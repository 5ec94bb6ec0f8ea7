import { createConfig, lintFromString } from '@redocly/openapi-core';
import { describe, expect, it } from 'vitest';
import { jsonOf, startServer } from '../test-support/running-server.ts';

interface OpenapiOperation {
  operationId?: string;
  security: Record<string, string[]>[];
  parameters?: { name: string }[];
  responses: Record<string, unknown>;
}

describe('GET /openapi.json', () => {
  it('needs no credential and can be cached', async () => {
    const { url } = await startServer();
    const response = await fetch(`${url}/openapi.json`);
    expect(response.status).toBe(200);
    expect(response.headers.get('cache-control')).toBe('public, max-age=300');
    const etag = response.headers.get('etag') ?? '';
    const body = await jsonOf(response);
    expect(body).toMatchObject({ openapi: '3.1.0', servers: [{ url }] });
    const again = await fetch(`${url}/openapi.json`, { headers: { 'if-none-match': etag } });
    expect(again.status).toBe(304);
  });

  it('passes the linter', async () => {
    const { url } = await startServer();
    const response = await fetch(`${url}/openapi.json`);
    const config = await createConfig({ extends: ['recommended'] });
    const problems = await lintFromString({ source: await response.text(), config });
    const texts = problems.map(({ ruleId, message, location }) => {
      return `${ruleId}: ${message} ${location.map(({ pointer }) => pointer).join(' ')}`;
    });
    expect(texts).toEqual([]);
  });

  it('says for each operation what it can respond with, and who may call it', async () => {
    const { url } = await startServer();
    const { paths } = await jsonOf(await fetch(`${url}/openapi.json`));
    const operations = Object.entries(paths as Record<string, Record<string, OpenapiOperation>>).flatMap(
      ([path, item]) => Object.entries(item).map(([method, operation]) => ({ path, method, ...operation })),
    );
    expect(operations.length).toBeGreaterThan(35);
    const ids = operations.map(({ operationId }) => operationId);
    expect(ids).not.toContain(undefined);
    for (const { path, method, security, responses } of operations) {
      const isOpen = !path.startsWith('/organizations/') && !path.startsWith('/ofrep/');
      expect(security.length === 0, `${method} ${path}`).toBe(isOpen);
      expect(Object.keys(responses), `${method} ${path}`).toEqual(
        expect.arrayContaining(['400', '500', '503']),
      );
    }
    for (const { operationId, responses, parameters = [] } of operations) {
      const isConditional = parameters.some(({ name }) => name === 'If-Match');
      expect(isConditional, operationId).toBe('412' in responses);
    }
    const conditional = operations.filter(({ responses }) => '412' in responses);
    const names = ['changeSchema', 'deleteSchema', 'pushSchema', 'putSegment', 'deleteSegment'];
    expect(new Set(conditional.map(({ operationId }) => operationId))).toEqual(
      new Set(['putValue', 'deleteValue', ...names]),
    );
    const snapshot = operations.find(({ operationId }) => operationId === 'createSnapshot');
    expect(snapshot?.security).toEqual([
      { accessToken: ['config:read'] },
      { publishableKey: [] },
      { publishableKeyInUrl: [] },
    ]);
  });
});
