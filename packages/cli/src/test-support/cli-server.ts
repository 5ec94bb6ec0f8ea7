import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineConfig, defineLimit } from '@smooai/config';
import { type ConfigServer, createConfigServer } from '@smooai/config-server';
import { onTestFinished } from 'vitest';
import { z } from 'zod';
import { type CliIo, run } from '../index.ts';

/** What a command answered. */
export interface CliResult {
  code: number;
  stdout: string;
  stderr: string;
}

/** What a run may differ in. */
export interface CliRunOptions {
  stdin?: string | Uint8Array;
  env?: Record<string, string>;
  /** Standard input and both outputs are a terminal. */
  isTTY?: boolean;
  fetch?: typeof globalThis.fetch;
}

/** A config server with an empty folder and a command line at it; all of it goes when the test ends, or where `onEnd` says. */
export interface CliBench {
  server: ConfigServer;
  folder: string;
  /** Runs with the server's credentials. */
  cli: (argv: string[], options?: CliRunOptions) => Promise<CliResult>;
  /** Runs with nothing but what is given. */
  bare: (argv: string[], options?: CliRunOptions) => Promise<CliResult>;
  /** Writes a file into the folder. */
  file: (name: string, content: string) => Promise<string>;
  /** Writes a schema module and pushes it as `shop`. */
  pushed: (body?: string) => Promise<void>;
}

/** The schema that most tests use. */
export const SHOP = `
  public: { apiBaseUrl: z.url().default('https://api.example'), retries: z.number().int().default(3), label: z.string() },
  secrets: { paymentKey: z.string().min(5) },
  flags: { newCheckout: z.boolean().default(false), theme: z.enum(['light', 'dark']).default('light') },
  limits: { cartItems: defineLimit({ default: 20, min: 1, max: 100 }) },`;

export async function startBench(
  onEnd: (cleanup: () => Promise<unknown>) => void = (cleanup) =>
    onTestFinished(async () => void (await cleanup())),
): Promise<CliBench> {
  const server = await createConfigServer({ env: {} });
  onEnd(() => server.close());
  const folder = await mkdtemp(join(tmpdir(), 'smooai-config-cli-'));
  onEnd(() => rm(folder, { recursive: true, force: true }));
  const { credentials } = server;
  if (credentials === undefined) throw new Error('The server made no credentials.');
  const env = {
    SMOOAI_CONFIG_API_URL: credentials.apiUrl,
    SMOOAI_CONFIG_AUTH_URL: credentials.authUrl,
    SMOOAI_CONFIG_ORG_ID: credentials.organizationId,
    SMOOAI_CONFIG_CLIENT_ID: credentials.clientId,
    SMOOAI_CONFIG_CLIENT_SECRET: credentials.clientSecret,
  };
  const file = async (name: string, content: string): Promise<string> => {
    await writeFile(join(folder, name), content);
    return join(folder, name);
  };
  const bare: CliBench['bare'] = (argv, options = {}) => runCli(argv, folder, options);
  const cli: CliBench['cli'] = (argv, options = {}) =>
    runCli(argv, folder, { ...options, env: { ...env, ...options.env } });
  const pushed: CliBench['pushed'] = async (body = SHOP) => {
    await file('config.ts', schemaModule(body));
    const { code, stderr } = await cli(['push', 'config.ts', '--name', 'shop', '--yes']);
    if (code !== 0) throw new Error(stderr);
  };
  return { server, folder, cli, bare, file, pushed };
}

// Handed over in memory: importing the packages' sources would compile all of them for each push. What an installed
// package does is tested on the built command, in apps/e2e.
Object.assign(globalThis, { schemaTools: { defineConfig, defineLimit, z } });

/** A schema module. */
export function schemaModule(body: string, name = 'config'): string {
  return `type Tools = typeof globalThis & { schemaTools: any };
const { defineConfig, defineLimit, z } = (globalThis as Tools).schemaTools;
void defineLimit;
export const ${name} = defineConfig({${body}});
`;
}

async function runCli(argv: string[], cwd: string, options: CliRunOptions): Promise<CliResult> {
  const texts = { stdout: '', stderr: '' };
  const isTTY = options.isTTY === true;
  const output = (name: 'stdout' | 'stderr') => ({
    isTTY,
    write: (text: string) => {
      texts[name] += text;
    },
  });
  async function* input(): AsyncGenerator<string | Uint8Array> {
    yield await Promise.resolve(options.stdin ?? '');
  }
  const io: CliIo = {
    stdout: output('stdout'),
    stderr: output('stderr'),
    stdin: Object.assign(input(), { isTTY }),
    env: { NO_COLOR: '1', ...options.env },
    cwd,
    ...(options.fetch !== undefined && { fetch: options.fetch }),
  };
  return { code: await run(argv, io), ...texts };
}
