// @vitest-environment node
import { relative, resolve } from 'node:path';
import { build, type Rollup } from 'vite';
import { expect, it } from 'vitest';

/** The package's own modules in a bundle of an entry. */
async function modulesOf(entry: string): Promise<string[]> {
  const root = import.meta.dirname;
  const output = (await build({
    root,
    configFile: false,
    logLevel: 'silent',
    resolve: { conditions: ['@smooai/source'] },
    build: {
      write: false,
      lib: { entry: resolve(root, entry), formats: ['es'] },
      rollupOptions: { external: /^react/ },
    },
  })) as Rollup.RollupOutput[];
  return output
    .flatMap((each) => each.output)
    .flatMap((file) => (file.type === 'chunk' ? file.moduleIds : []))
    .map((id) => relative(root, id))
    .filter((path) => !path.startsWith('..'));
}

it('has no module of tracking, testing or the Vite plugin in a bundle of the hooks', async () => {
  const extra = /^(tracking|testing|vite)\./;
  const modules = await modulesOf('index.ts');
  expect(modules).toContain('config-provider.tsx');
  expect(modules.filter((path) => extra.test(path))).toEqual([]);
  // The names are those that the entries have.
  expect((await modulesOf('tracking.tsx')).filter((path) => extra.test(path))).toEqual(['tracking.tsx']);
});
