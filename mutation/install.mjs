import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));

/**
 * Installs this folder's packages unless `name` is among those already installed. They are not part of the workspace, so
 * that the default install stays small.
 */
export function installPackages(name) {
  // npm writes this file last.
  const installed = `${here}node_modules/.package-lock.json`;
  if (existsSync(installed) && readFileSync(installed, 'utf8').includes(`"node_modules/${name}"`)) return;
  const shell = process.platform === 'win32';
  const { status } = spawnSync('npm', ['ci'], { cwd: here, stdio: 'inherit', shell });
  if (status !== 0) process.exit(status ?? 1);
}
