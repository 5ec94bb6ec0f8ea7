import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { inject } from 'vitest';
import { RunningProcess } from './running-process.ts';

/** A config server of one project, as its package's README starts it. */
export interface ConfigServer {
  url: string;
  organizationId: string;
  /** For the CLI's `--credentials`. */
  credentialsFile: string;
  stop(): Promise<void>;
}

/** Starts the installed config server on a free port. */
export async function startConfigServer(project: string): Promise<ConfigServer> {
  const outside = inject('outside');
  const cwd = join(outside.path, `${project}-config-server`);
  await mkdir(cwd, { recursive: true });
  const command = [outside.serverCommand, '--db', 'config.db', '--json', '--log-level', 'warn'] as const;
  const server = new RunningProcess([...command], { project, cwd });
  try {
    const { url, organizationId, credentialsFile } = JSON.parse(await server.firstLine());
    return { url, organizationId, credentialsFile, stop: () => server.stop() };
  } catch (error) {
    await server.stop();
    throw error;
  }
}
