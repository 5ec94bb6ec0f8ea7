import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire, isBuiltin } from 'node:module';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import vm from 'node:vm';
import { describe, expect, it } from 'vitest';

const run = promisify(execFile);
const script = fileURLToPath(new URL('first-request.mjs', import.meta.url));
const require = createRequire(import.meta.url);

describe.each(['esm', 'cjs'])('the built package, as %s', (format) => {
  it('loads ofetch with the first request, and calls the fetch that is given or set at that time', async () => {
    const { stdout } = await run(process.execPath, [script, format]);
    expect(JSON.parse(stdout)).toEqual({
      loadedBefore: false,
      loadedAfter: true,
      called: ['given', 'global', 'replaced'],
    });
  });
});

describe('a CommonJS runtime without dynamic import, as Jest is', () => {
  const loaded = new Map<string, { exports: unknown }>();

  /** Loads a file as Jest does: a dynamic import in it fails. */
  function load(file: string): unknown {
    const known = loaded.get(file);
    if (known !== undefined) return known.exports;
    const module = { exports: {} };
    loaded.set(file, module);
    const own = createRequire(file);
    const requireHere = (name: string): unknown => (isBuiltin(name) ? own(name) : load(own.resolve(name)));
    const source = `(function (module, exports, require) {${readFileSync(file, 'utf8')}\n})`;
    vm.runInThisContext(source, { filename: file })(module, module.exports, requireHere);
    return module.exports;
  }

  it('fails at a dynamic import', async () => {
    const imported: Promise<unknown> = vm.runInThisContext("import('node:fs')");
    await expect(imported).rejects.toMatchObject({ code: 'ERR_VM_DYNAMIC_IMPORT_CALLBACK_MISSING' });
  });

  it('requires ofetch with the first request', async () => {
    const server = load(require.resolve('@smooai/config/server')) as typeof import('@smooai/config/server');
    const isLoaded = (): boolean => [...loaded.keys()].some((file) => /[\\/]ofetch[\\/]dist[\\/]/.test(file));
    const provider = new server.TokenProvider({
      authUrl: 'https://auth.example.com',
      clientId: 'c',
      clientSecret: 's',
      fetch: async () => Response.json({ access_token: 't1', token_type: 'Bearer' }),
    });
    expect(isLoaded()).toBe(false);
    expect(await provider.getAccessToken()).toBe('t1');
    expect(isLoaded()).toBe(true);
  });
});
