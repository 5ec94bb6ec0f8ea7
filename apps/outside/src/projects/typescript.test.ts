import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { catalog } from '../harness/catalog-version.ts';
import { OutsideProject } from '../harness/project.ts';

const name = 'typescript';
const versions = ['5.4', '5.9', '6', '7'];
const resolutions = ['node16', 'nodenext', 'bundler'];
const suffixes = ['', '-react', '-next', '-nestjs', '-openfeature', '-server', '-cli'];
const ours = suffixes.map((suffix) => `@smooai/config${suffix}`);

describe(name, () => {
  const project = new OutsideProject(name);
  const tsc = (version: string, resolution: string, ...options: string[]): Promise<unknown> => {
    const compiler = `node_modules/typescript-${version}/bin/tsc`;
    return project.run(['node', compiler, '-p', `tsconfig.${resolution}.json`, ...options]);
  };

  beforeAll(async () => {
    await project.generate();
    await project.overlay(name);
    // The same files as ESM and as CommonJS; two packages are ESM only.
    await project.copy('entries', 'esm');
    await project.copy('entries-esm-only', 'esm');
    await project.copy('entries', 'cjs');
    await project.write('esm/package.json', '{ "type": "module" }');
    await project.write('cjs/package.json', '{ "type": "commonjs" }');
    await project.install(ours, [
      ...versions.map((version) => `typescript-${version}@npm:typescript@${version}`),
      ...['zod', '@types/node', 'react', '@types/react', 'next', 'rxjs', 'reflect-metadata'].map(catalog),
      ...['core', 'server-sdk', 'web-sdk'].map((sdk) => catalog(`@openfeature/${sdk}`)),
      '@nestjs/common@11',
      '@nestjs/core@11',
    ]);
  });

  afterAll(() => project.close());

  it('has a file for each entry of each package', async () => {
    const [esm, commonJs] = await Promise.all([project.readAll('esm'), project.readAll('cjs')]);
    for (const packageName of ours) {
      const { exports } = JSON.parse(await project.read(`node_modules/${packageName}/package.json`));
      for (const [path, target] of Object.entries<object | string>(exports)) {
        if (path === './package.json') continue;
        const entry = `${packageName}${path.slice(1)}`;
        expect(esm, entry).toContain(`from '${entry}'`);
        if (typeof target === 'object' && 'require' in target) {
          expect(commonJs, entry).toContain(`from '${entry}'`);
        }
      }
    }
  });

  describe.each(versions)('TypeScript %s', (version) => {
    it.each(resolutions)('compiles every entry with moduleResolution %s', async (resolution) => {
      await tsc(version, resolution);
    });

    if (version === '7') {
      it('has no moduleResolution node10 any more', async () => {
        await expect(tsc(version, 'node10')).rejects.toThrow("'moduleResolution=node10' has been removed");
      });
    } else {
      it('compiles every CommonJS entry with moduleResolution node10', async () => {
        await tsc(version, 'node10', ...(version === '6' ? ['--ignoreDeprecations', '6.0'] : []));
      });
    }
  });
});
