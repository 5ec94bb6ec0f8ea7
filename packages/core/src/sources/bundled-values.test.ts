import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { AnyConfig } from '../schema/config-types.ts';
import { defineConfig } from '../schema/define-config.ts';
import { resolveBundledValues } from './bundled-values.ts';

const config = defineConfig({
  public: { title: z.unknown(), toString: z.unknown(), since: z.date().optional() },
  secrets: { databaseUrl: z.unknown() },
  flags: { newCheckout: z.boolean().default(false) },
}) as AnyConfig;

const resolve = (...values: unknown[]) =>
  resolveBundledValues(
    config,
    values.map((entry, index) => ({ name: `part ${index}`, values: entry })),
  );

describe('bundled values', () => {
  it('may be named like properties of a prototype', () => {
    const hostile: unknown = JSON.parse(
      '{"public":{"toString":{"a":1},"title":{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}}}',
    );
    const layer = resolve(hostile, { public: { title: { own: true } } });
    expect(layer.public).toMatchObject({ toString: { a: 1 } });
    expect(JSON.stringify(layer.public.title)).toBe(
      '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"own":true}',
    );
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });

  it('may be frozen, class instances or undefined, and are not modified', () => {
    const since = new Date(0);
    const values = Object.freeze({
      public: Object.freeze({ title: Object.freeze({ a: 1 }), since, toString: undefined }),
    });
    const layer = resolve(values, { public: { title: { b: 2 } } });
    expect(layer.public).toEqual({ title: { a: 1, b: 2 }, since });
    expect(layer.public.since).toBe(since);
    expect(values.public.title).toEqual({ a: 1 });
  });

  it('are merged deeply if they are objects; arrays, targeted values and everything else are replaced', () => {
    const targeted = { $cohort: { defaultValue: true } };
    const layer = resolve(
      { public: { title: { a: { b: 1, c: [1, 2] } } }, flags: { newCheckout: targeted } },
      { public: { title: { a: { c: [3] } } }, flags: { newCheckout: { $cohort: { defaultValue: false } } } },
      { public: { title: { a: { b: null } } } },
    );
    expect(layer.public.title).toEqual({ a: { b: null, c: [3] } });
    expect(layer.flags.newCheckout).toEqual({ $cohort: { defaultValue: false } });
  });

  it('may be computed from those before them; undefined counts as absent', () => {
    const layer = resolve({
      public: { title: () => ({ name: 'Shop', deep: () => 1 }), toString: () => undefined },
      secrets: {
        databaseUrl: ({ public: values }: { public: Record<string, unknown> }) => Object.keys(values),
      },
    });
    expect(layer.public).toEqual({ title: { name: 'Shop', deep: 1 } });
    expect(layer.secret).toEqual({ databaseUrl: ['title'] });
  });

  it('are rejected if they are malformed, without repeating their errors', () => {
    const cyclic: Record<string, unknown> = {};
    cyclic.self = cyclic;
    const throwing = {
      get title(): unknown {
        throw new Error('hunter2');
      },
    };
    const revoked = Proxy.revocable({}, {});
    revoked.revoke();
    for (const values of [
      { public: { title: cyclic } },
      { public: throwing },
      { public: { title: throwing } },
      { secrets: { databaseUrl: () => () => 1 } },
      { secrets: { databaseUrl: () => Promise.reject(new Error('hunter2')) } },
      { secrets: { databaseUrl: () => throwing.title } },
      { secrets: { databaseUrl: () => cyclic } },
      { public: revoked.proxy },
      { public: 1 },
      [],
      null,
      'text',
    ]) {
      expect(() => resolve(values)).toThrow(
        expect.objectContaining({
          code: 'ERR_OPTIONS_INVALID',
          option: 'bundled',
          message: expect.not.stringContaining('hunter2'),
        }),
      );
    }
  });
});
