import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { type ConfigServer, createConfigServer } from '@smooai/config-server';
import { afterAll, beforeAll, expect, it } from 'vitest';

const cwd = fileURLToPath(new URL('../../../../packages/nestjs', import.meta.url));

let server: ConfigServer;

beforeAll(async () => {
  server = await createConfigServer({ env: {} });
});

afterAll(() => server.close());

/** Ends an application with SIGTERM after its first request; returns how the process ended. */
async function terminate(isWithConfig: boolean): Promise<{ body: unknown; end: unknown[]; stderr: string }> {
  const { credentials } = server;
  if (credentials === undefined) throw new Error('The server has no credentials.');
  const child = spawn(process.execPath, ['src/test-support/shutdown-app.cjs'], {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env.PATH,
      WITH_CONFIG: isWithConfig ? '1' : '0',
      SMOOAI_CONFIG_API_URL: credentials.apiUrl,
      SMOOAI_CONFIG_AUTH_URL: credentials.authUrl,
      SMOOAI_CONFIG_CLIENT_ID: credentials.clientId,
      SMOOAI_CONFIG_CLIENT_SECRET: credentials.clientSecret,
      SMOOAI_CONFIG_ORG_ID: credentials.organizationId,
      SMOOAI_CONFIG_ENV: 'development',
    },
  });
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const end = once(child, 'exit');
  try {
    const [url] = (await Promise.race([
      once(createInterface(child.stdout), 'line'),
      end.then(() => Promise.reject(new Error(`The application did not start. ${stderr}`))),
    ])) as [string];
    const body: unknown = await (await fetch(url, { headers: { connection: 'close' } })).json();
    child.kill('SIGTERM');
    return { body, end: await end, stderr };
  } finally {
    child.kill('SIGKILL');
  }
}

it('an application with an open stream to its config server ends with SIGTERM, as one without does', async () => {
  const [without, withConfig] = [await terminate(false), await terminate(true)];
  expect(without).toEqual({ body: { newCheckout: false }, end: [null, 'SIGTERM'], stderr: '' });
  expect(withConfig).toEqual(without);
});
