// Copies of apps/next-demo, inside it so that they find the same packages: one as it is, one with `withSmooConfig`.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';

const demo = resolve(import.meta.dirname, '../../apps/next-demo');
const next = createRequire(join(demo, 'package.json')).resolve('next/dist/bin/next');

const WITH_SCAN = `
import { withSmooConfig } from '@smooai/config-next/plugin';
import { config } from '@smooai-demo/demo-schema';
import nextConfig from './own.config';

export default withSmooConfig(nextConfig, { config });
`;

const PARTS = ['app', 'css.d.ts', 'instrumentation.ts', 'next.config.ts', 'proxy.ts'];

/** Creates a copy. `remove` deletes it. */
export async function copyStorefront({ isScanned }) {
  const folder = join(demo, '.copies', isScanned ? 'scanned' : 'without');
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  for (const part of PARTS) await cp(join(demo, part), join(folder, part), { recursive: true });
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ extends: '../../tsconfig.json' }));
  if (isScanned) {
    await cp(join(folder, 'next.config.ts'), join(folder, 'own.config.ts'));
    await writeFile(join(folder, 'next.config.ts'), WITH_SCAN);
  }
  return {
    folder,
    output: join(folder, '.next'),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

/** Runs `next build` from nothing. Resolves with the seconds that it took, and those of the processors. */
export async function timeBuild({ folder, output }) {
  await rm(output, { recursive: true, force: true });
  // The shell adds up the processes of the build. Variables of the machine must not decide what is looked for.
  const command = `TIMEFORMAT='%R %U %S'; time "$0" "$1" build 1>&2`;
  const child = spawn('bash', ['-c', command, process.execPath, next], {
    cwd: folder,
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      NEXT_TELEMETRY_DISABLED: '1',
      PAYMENT_KEY: 'a-payment-key-of-the-benchmark',
      DATABASE_URL: 'postgres://localhost/benchmark',
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let printed = '';
  child.stderr.on('data', (chunk) => {
    printed += chunk;
  });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`The build failed.\n${printed}`);
  const [wall, user, system] = printed.trim().split('\n').at(-1).split(' ').map(Number);
  return { wall, cpu: user + system, isScanned: printed.includes('the values of 2 were looked for') };
}
