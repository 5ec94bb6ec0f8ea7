import { readFileSync } from 'node:fs';

const workspace = readFileSync(new URL('../../../../pnpm-workspace.yaml', import.meta.url), 'utf8');

/** `name@version` for npm, with the version that the workspace itself is tested with. */
export function catalog(name: string): string {
  const line = workspace
    .split('\n')
    .find((text) => text.trim().replaceAll(/['"]/g, '').startsWith(`${name}:`));
  if (line === undefined) throw new Error(`The workspace's catalog has no version of ${name}.`);
  return `${name}@${line.split(': ')[1]?.trim()}`;
}
