// The measured app: apps/next-modes/measured, with the Next of the workspace.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { freePort } from '../../scripts/free-port.mjs';

export const appFolder = resolve(import.meta.dirname, '../../apps/next-modes/measured');
const next = createRequire(resolve(appFolder, 'package.json')).resolve('next/dist/bin/next');

function runNext(args, env) {
  return spawn(process.execPath, [next, ...args], {
    cwd: appFolder,
    env: { ...process.env, NEXT_TELEMETRY_DISABLED: '1', ...env },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

/** Runs `next build`. */
export async function buildApp() {
  const [code] = await once(runNext(['build'], {}), 'exit');
  if (code !== 0) throw new Error('The build failed.');
}

/** Runs `next start`. Resolves with its URL and `stop` once it responds. */
export async function startApp(env) {
  const port = await freePort(0);
  const child = runNext(['start', '--hostname', '127.0.0.1', '--port', String(port)], env);
  const exited = once(child, 'exit');
  const url = `http://127.0.0.1:${port}`;
  while (
    !(await fetch(`${url}/plain`).then(
      ({ ok }) => ok,
      () => false,
    ))
  ) {
    if (child.exitCode !== null) throw new Error('next start has ended.');
    await new Promise((done) => setTimeout(done, 200));
  }
  const stop = async () => {
    child.kill('SIGTERM');
    await exited;
  };
  return { url, pid: child.pid, stop };
}
