import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { inject } from 'vitest';
import type { OutsideProject } from './project.ts';
import { RunningProcess } from './running-process.ts';

/** A config server with the schema and the values of a project, which its own `smooai-config` command writes. */
export class ShopServer {
  readonly url: string;
  readonly organizationId: string;
  readonly #project: OutsideProject;
  readonly #credentialsFile: string;

  private constructor(project: OutsideProject, line: string) {
    const { url, organizationId, credentialsFile } = JSON.parse(line);
    this.url = url;
    this.organizationId = organizationId;
    this.#project = project;
    this.#credentialsFile = credentialsFile;
  }

  /** Starts the installed config server, without a schema. It stops with the project. */
  static async startEmpty(project: OutsideProject): Promise<ShopServer> {
    const { path, serverCommand } = inject('outside');
    const cwd = await mkdtemp(join(path, `${project.name}-config-server-`));
    const options = { project: project.name, cwd };
    const running = new RunningProcess([serverCommand, '--json', '--log-level', 'warn'], options);
    project.stopAtEnd(running);
    return new ShopServer(project, await running.firstLine());
  }

  /** Starts the installed config server, pushes the schema and sets the values. It stops with the project. */
  static async start(project: OutsideProject, schemaFile: string): Promise<ShopServer> {
    const server = await ShopServer.startEmpty(project);
    await server.push(schemaFile);
    await server.set('public.supportEmail', 'help@shop.example');
    await server.#cli(['set', 'secrets.paymentKey', '--stdin', '--env', 'development'], 'payment-key-1');
    return server;
  }

  async push(schemaFile: string): Promise<void> {
    await this.#cli(['push', schemaFile, '--yes']);
  }

  /** Sets a value of the environment `development`. */
  async set(key: string, value: string): Promise<void> {
    await this.#cli(['set', key, value, '--env', 'development']);
  }

  /** Sets the targeting of a flag in the environment `development`, as a user does: from a file. */
  async setTargeting(key: string, targeting: object): Promise<void> {
    const file = `${key}.json`;
    await this.#project.write(file, JSON.stringify(targeting));
    await this.#cli(['set', key, '--file', file, '--env', 'development']);
  }

  /** Creates a client for a server, and returns its settings as lines of an `.env` file. */
  createServerClient(): Promise<string> {
    return this.#cli(['clients', 'create', 'server', '--env', 'development']);
  }

  /** Creates a client for the pages of an origin, and returns its publishable key. */
  async createBrowserClient(origin: string): Promise<string> {
    const options = ['--type', 'b2m', '--environments', 'development', '--origins', origin];
    return (await this.#cli(['clients', 'create', 'browser', ...options])).trim();
  }

  async #cli(args: string[], input = ''): Promise<string> {
    const command = ['npx', 'smooai-config', ...args, '--credentials', this.#credentialsFile] as const;
    const { stdout } = await this.#project.run([...command], { input });
    return stdout;
  }
}
