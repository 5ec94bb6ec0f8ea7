import { rmSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TestProject } from 'vitest/node';
import { progress } from './progress.ts';
import { runCommand } from './run-command.ts';

/** The temporary folder of one run: the packed packages, the installed config server, and the projects. */
export interface OutsideFolder {
  path: string;
  /** Path of each package's tarball, by the package's name. */
  tarballs: Record<string, string>;
  /** Path of the installed command `smooai-config-server`. */
  serverCommand: string;
  /** True when the folder stays after the run. */
  keep: boolean;
}

declare module 'vitest' {
  interface ProvidedContext {
    outside: OutsideFolder;
  }
}

const project = 'outside';
const root = fileURLToPath(new URL('../../../..', import.meta.url));

/** Packs every package, and installs the config server from its tarball, once for all projects. */
export async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  const path = await mkdtemp(join(tmpdir(), 'smooai-config-outside-'));
  const keep = process.env.OUTSIDE_KEEP === '1';
  // An interrupted run ends without a teardown.
  const remove = (): void => rmSync(path, { recursive: true, force: true });
  if (!keep) process.once('exit', remove);
  const teardown = async (): Promise<void> => {
    if (keep) progress(project, `kept in ${path}`);
    else await rm(path, { recursive: true, force: true });
  };
  try {
    const tarballs = await packPackages(join(path, 'tarballs'));
    const serverCommand = await installServer(join(path, 'config-server'), tarballs);
    provide('outside', { path, tarballs, serverCommand, keep });
  } catch (error) {
    await teardown();
    throw error;
  }
  return teardown;
}

async function packPackages(folder: string): Promise<Record<string, string>> {
  await mkdir(folder, { recursive: true });
  const { packageManager } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  const pack = ['--recursive', '--filter', './packages/*', 'pack', '--pack-destination', folder];
  await runCommand(['npx', '-y', packageManager, ...pack], { project, cwd: root });
  const tarballs: Record<string, string> = {};
  for (const directory of await readdir(join(root, 'packages'))) {
    const { name, version } = JSON.parse(
      await readFile(join(root, 'packages', directory, 'package.json'), 'utf8'),
    );
    tarballs[name] = join(folder, `${name.replace('@', '').replace('/', '-')}-${version}.tgz`);
  }
  return tarballs;
}

async function installServer(folder: string, tarballs: Record<string, string>): Promise<string> {
  await mkdir(folder);
  await writeFile(join(folder, 'package.json'), JSON.stringify({ name: 'config-server', private: true }));
  const files = [tarballs['@smooai/config'], tarballs['@smooai/config-server']].map(String);
  await runCommand(['npm', 'install', ...files], { project, cwd: folder });
  return join(folder, 'node_modules/.bin/smooai-config-server');
}
