import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import vm from 'node:vm';
import { describe, expect, it } from 'vitest';

const run = promisify(execFile);
const script = fileURLToPath(new URL('watched-import.mjs', import.meta.url));
const require = createRequire(import.meta.url);

async function watched(format: string, entry: string): Promise<string[]> {
  // The entries for React Server Components cannot be imported elsewhere.
  const conditions =
    entry.startsWith('@smooai/config-next/') && !entry.endsWith('client') ? ['-C', 'react-server'] : [];
  const { stdout } = await run(process.execPath, [...conditions, script, format, entry]);
  return JSON.parse(stdout);
}

/** Loads CommonJS files in a context that has the language's own globals and the given ones. */
class StrippedRuntime {
  readonly #context: vm.Context;
  readonly #loaded = new Map<string, { exports: unknown }>();

  constructor(globals: object = {}) {
    this.#context = vm.createContext({ ...globals });
  }

  require(file: string): unknown {
    const known = this.#loaded.get(file);
    if (known !== undefined) return known.exports;
    const module = { exports: {} };
    this.#loaded.set(file, module);
    const source = `(function (module, exports, require) {${readFileSync(file, 'utf8')}\n})`;
    const { resolve } = createRequire(file);
    const requireHere = (name: string): unknown => this.require(resolve(name));
    vm.runInContext(source, this.#context, { filename: file })(module, module.exports, requireHere);
    return module.exports;
  }
}

const core = dirname(require.resolve('@smooai/config'));

describe('importing a package uses no global of the runtime', () => {
  it('and the watch knows them', async () => {
    const names = await watched('names', '-');
    for (const name of [
      'TextEncoder',
      'TextDecoder',
      'crypto',
      'process',
      'fetch',
      'performance',
      'structuredClone',
    ]) {
      expect(names).toContain(name);
    }
    for (const name of [
      'AbortSignal',
      'AbortController',
      'URL',
      'Buffer',
      'setTimeout',
      'Response',
      'console',
    ]) {
      expect(names).toContain(name);
    }
    expect(names).not.toContain('Uint8Array');
  });

  it.each([
    '@smooai/config',
    '@smooai/config/server',
    '@smooai/config/browser',
    '@smooai/config/testing',
    '@smooai/config-react',
    '@smooai/config-next/client',
    '@smooai/config-next/server',
    '@smooai/config-next/route-handler',
    '@smooai/config-nestjs',
    '@smooai/config-nestjs/testing',
  ])('%s, as ESM and as CommonJS', async (entry) => {
    expect(await watched('esm', entry)).toEqual([]);
    expect(await watched('cjs', entry)).toEqual([]);
  });

  it.each(['index', 'server', 'browser', 'testing'])('core/%s loads in a context without any', (name) => {
    const exported = new StrippedRuntime().require(`${core}/${name}.cjs`);
    expect(Object.keys(exported as object)).not.toEqual([]);
  });

  it('and a test client works with the few that it needs, as in jsdom', () => {
    const runtime = new StrippedRuntime({
      AbortController,
      performance,
      queueMicrotask,
      setTimeout,
      clearTimeout,
    });
    const { defineConfig } = runtime.require(`${core}/index.cjs`) as typeof import('@smooai/config');
    const testing = runtime.require(`${core}/testing.cjs`) as typeof import('@smooai/config/testing');
    const validate = (value: unknown) => ({ value });
    const own = { '~standard': { version: 1 as const, vendor: 'own', validate } };
    const config = defineConfig({ flags: { a: own } });
    const rollout = { variants: [{ value: 'é', weight: 100 }], salt: 'é' };
    const client = testing.createTestClient({
      config,
      flags: { a: { $cohort: { rollout, defaultValue: 0 } } },
    });
    expect(client.flag('a', { userId: 'ü' })).toBe('é');
  });
});
