import { Writable } from 'node:stream';
import { inspect } from 'node:util';
import type { JsonValue } from '@smooai/config';
import fc from 'fast-check';
import { expect, onTestFinished } from 'vitest';
import { createServerLogger } from '../server-logger.ts';
import { anySchema, anyValue, CANARY } from './arbitrary-schema.ts';
import { startShop } from './shop-server.ts';

/** How many documents were accepted, and how many values of their keys. */
export interface FuzzResult {
  documents: number;
  accepted: number;
  values: number;
}

/**
 * Pushes random schema documents to a real server and writes random values. Fails for a status of 500 or more, an
 * unhandled rejection, or a secret in a log or a response.
 */
export async function fuzzSchemas(numRuns: number): Promise<FuzzResult> {
  const rejections: unknown[] = [];
  const listener = (reason: unknown): void => void rejections.push(reason);
  process.on('unhandledRejection', listener);
  onTestFinished(() => void process.off('unhandledRejection', listener));
  let log = '';
  const stream = new Writable({
    write(chunk, _encoding, done) {
      log += String(chunk);
      done();
    },
  });
  const shop = await startShop({ logger: createServerLogger({ level: 'trace', stream }) });
  const result: FuzzResult = { documents: 0, accepted: 0, values: 0 };
  const documents = fc.record({
    schemas: fc.tuple(anySchema, anySchema, anySchema),
    values: fc.array(anyValue, { minLength: 2, maxLength: 2 }),
  });
  await fc.assert(
    fc.asyncProperty(documents, async ({ schemas: [a, b, c], values }) => {
      log = '';
      result.documents += 1;
      const [plain, secret, flag] = [{ plain: a }, { hidden: b }, { flag: c }];
      const properties = {
        publicConfigSchema: { type: 'object', properties: plain },
        secretConfigSchema: { type: 'object', properties: secret },
        featureFlagSchema: { type: 'object', properties: flag },
      };
      const pushed = await shop.call('POST', `/schemas/${shop.schema.id}/push`, {
        jsonSchema: { type: 'object', properties },
        force: true,
      });
      expect([200, 400, 413], pushed.text + log).toContain(pushed.status);
      if (pushed.status !== 200) {
        expect(pushed.body.message).toMatch(/^Field "jsonSchema/);
        return;
      }
      result.accepted += 1;
      for (const value of values) result.values += await writeAll(value);
      const snapshot = await shop.call('POST', '/snapshot', { environment: 'development' });
      expect(snapshot.status).toBe(200);
      expect(log).not.toContain(CANARY);
      expect(inspect(rejections)).toBe('[]');
    }),
    { numRuns, endOnFailure: true },
  );

  /** Writes a value to each key. Returns how many were accepted. */
  async function writeAll(value: JsonValue): Promise<number> {
    let accepted = 0;
    for (const [key, tier] of [
      ['plain', 'public'],
      ['hidden', 'secret'],
      ['flag', 'feature_flag'],
    ] as const) {
      const environmentId = shop.environments.development ?? '';
      const write = { schemaId: shop.schema.id, environmentId, key, value, tier };
      const response = await shop.call('PUT', '/values', write);
      expect([200, 400], response.text).toContain(response.status);
      if (response.status === 200) accepted += 1;
      else if (tier === 'secret') expect(response.text).not.toContain(CANARY);
    }
    return accepted;
  }

  return result;
}
