import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineConfig, defineLimit } from '@smooai/config';
import { type ConfigServer, createConfigServer } from '@smooai/config-server';
import { afterAll, beforeAll, onTestFinished } from 'vitest';
import { z } from 'zod';
import { type CliIo, run } from '../index.ts';

/** The result of a command. */
export interface CliResult {
  code: number;
  stdout: string;
  stderr: string;
}

export interface CliRunOptions {
  stdin?: string | Uint8Array;
  env?: Record<string, string>;
  /** Whether standard input and both outputs are a terminal, or standard input alone. */
  isTTY?: boolean | 'stdin';
  fetch?: typeof globalThis.fetch;
  cwd?: string;
}

/** A config server and an empty folder to run commands in. */
export interface CliBench {
  server: ConfigServer;
  folder: string;
  /** Runs a command with the server's credentials. */
  cli: (argv: string[], options?: CliRunOptions) => Promise<CliResult>;
  /** Runs a command without any settings. */
  bare: (argv: string[], options?: CliRunOptions) => Promise<CliResult>;
  /** Writes a file into the folder and returns its path. */
  file: (name: string, content: string) => Promise<string>;
  /** Writes a schema module and pushes it as `shop`. */
  pushed: (body?: string) => Promise<void>;
}

type OnEnd = (cleanup: () => Promise<unknown>) => void;

/** The schema that most tests use. */
export const SHOP = `
  public: { apiBaseUrl: z.url().default('https://api.example'), retries: z.number().int().default(3), label: z.string() },
  secrets: { paymentKey: z.string().min(5) },
  flags: { newCheckout: z.boolean().default(false), theme: z.enum(['light', 'dark']).default('light') },
  limits: { cartItems: defineLimit({ default: 20, min: 1, max: 100 }) },`;

/** Starts a server and a folder, removed when the test ends. */
export async function startBench(
  onEnd: OnEnd = (cleanup) => onTestFinished(async () => void (await cleanup())),
): Promise<CliBench> {
  const server = await createConfigServer({ env: {} });
  onEnd(() => server.close());
  const folder = await mkdtemp(join(tmpdir(), 'smooai-config-cli-'));
  onEnd(() => rm(folder, { recursive: true, force: true }));
  const { credentials } = server;
  if (credentials === undefined) throw new Error('The server has no credentials.');
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
  const bare: CliBench['bare'] = (argv, options = {}) => runCli(argv, { cwd: folder, ...options });
  const cli: CliBench['cli'] = (argv, options = {}) =>
    bare(argv, { ...options, env: { ...env, ...options.env } });
  const pushed: CliBench['pushed'] = async (body = SHOP) => {
    await file('config.ts', schemaModule(body));
    const { code, stderr } = await cli(['push', 'config.ts', '--name', 'shop', '--yes']);
    if (code !== 0) throw new Error(stderr);
  };
  return { server, folder, cli, bare, file, pushed };
}

/** One server for all tests of a file or block, for tests that leave nothing behind that others read. */
export function shareBench({ schema = SHOP }: { schema?: string | false } = {}): {
  readonly current: CliBench;
} {
  const shared: { current: CliBench } = { current: undefined as unknown as CliBench };
  const cleanups: (() => Promise<unknown>)[] = [];
  beforeAll(async () => {
    shared.current = await startBench((cleanup) => cleanups.push(cleanup));
    if (schema !== false) await shared.current.pushed(schema);
  });
  afterAll(() => Promise.all(cleanups.map((cleanup) => cleanup())));
  return shared;
}

// The schema module gets its tools from memory: importing the packages' sources would compile all of them for each push.
// apps/e2e tests the built command with the installed packages.
Object.assign(globalThis, { schemaTools: { defineConfig, defineLimit, z } });

/** The source of a schema module. */
export function schemaModule(body: string, name = 'config'): string {
  return `type Tools = typeof globalThis & { schemaTools: any };
const { defineConfig, defineLimit, z } = (globalThis as Tools).schemaTools;
void defineLimit;
export const ${name} = defineConfig({${body}});
`;
}

/** Runs a command without a server, in the temporary folder of the machine by default. */
export async function runCli(argv: readonly string[], options: CliRunOptions = {}): Promise<CliResult> {
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
    stdin: Object.assign(input(), { isTTY: isTTY || options.isTTY === 'stdin' }),
    env: { NO_COLOR: '1', ...options.env },
    cwd: options.cwd ?? tmpdir(),
    ...(options.fetch !== undefined && { fetch: options.fetch }),
  };
  return { code: await run(argv, io), ...texts };
}
