import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ServerCredentials } from '@smooai/config-server';
import { freePort } from '../../../../scripts/free-port.mjs';

export const serverBin: string = fileURLToPath(
  new URL('../../../../packages/server/bin/smooai-config-server.js', import.meta.url),
);

interface Replica {
  child: ChildProcess;
  port: number;
}

/** Servers on one database, each in a process of its own, behind a proxy that gives each connection to the next of them. */
export class ReplicaSet {
  /** The URL of the proxy. */
  readonly url: string;
  readonly env: Record<string, string>;
  readonly #folder: string;
  readonly #proxy: Server;
  readonly #replicas: (Replica | undefined)[] = [];
  #next = 0;

  private constructor(parts: { folder: string; proxy: Server; env: Record<string, string> }) {
    this.#folder = parts.folder;
    this.#proxy = parts.proxy;
    this.env = parts.env;
    this.url = `http://127.0.0.1:${portOf(parts.proxy)}`;
    parts.proxy.on('connection', (socket) => this.#forward(socket, this.#replicas.length));
  }

  static async start(database: string, count: number): Promise<ReplicaSet> {
    const folder = await mkdtemp(join(tmpdir(), 'smooai-config-replicas-'));
    const proxy = createServer();
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    const env = {
      SMOOAI_CONFIG_SERVER_DATABASE_URL: database,
      SMOOAI_CONFIG_SERVER_ENCRYPTION_KEY: randomBytes(32).toString('base64'),
    };
    const set = new ReplicaSet({ folder, proxy, env });
    for (let index = 0; index < count; index += 1) await set.restart(index);
    return set;
  }

  async credentials(): Promise<ServerCredentials> {
    return JSON.parse(await readFile(join(this.#folder, 'credentials.json'), 'utf8'));
  }

  /** Kills a replica, as a power cut does. */
  async kill(index: number): Promise<void> {
    const replica = this.#replicas[index];
    this.#replicas[index] = undefined;
    if (replica === undefined) return;
    const ended = new Promise((resolve) => replica.child.once('exit', resolve));
    replica.child.kill('SIGKILL');
    await ended;
  }

  /** Starts a replica, and starts it again if it ends, for example because the database is away. */
  async restart(index: number): Promise<void> {
    for (;;) {
      const replica = await this.#startOnce();
      if (replica === undefined) continue;
      this.#replicas[index] = replica;
      return;
    }
  }

  async stop(): Promise<void> {
    this.#proxy.close();
    await Promise.all(this.#replicas.map((_, index) => this.kill(index)));
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** Undefined if it has ended before it listened. */
  async #startOnce(): Promise<Replica | undefined> {
    const port = await freePort(0);
    const options = ['--port', String(port), '--json', '--log-level', 'silent', '--public-url', this.url];
    const file = join(this.#folder, 'credentials.json');
    const child = spawn(process.execPath, [serverBin, ...options, '--credentials', file], {
      env: { ...process.env, ...this.env },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return new Promise((resolve) => {
      child.once('exit', () => resolve(undefined));
      child.stdout?.once('data', () => resolve({ child, port }));
    });
  }

  /** Gives a connection to the next replica that takes it. */
  #forward(socket: Socket, attempts: number): void {
    const replica = this.#replicas[this.#next % this.#replicas.length];
    this.#next += 1;
    socket.on('error', () => undefined);
    if (attempts <= 0) {
      socket.destroy();
      return;
    }
    if (replica === undefined) {
      this.#forward(socket, attempts - 1);
      return;
    }
    const upstream = connect(replica.port, '127.0.0.1');
    upstream.once('error', () =>
      upstream.bytesRead === 0 ? this.#forward(socket, attempts - 1) : socket.destroy(),
    );
    upstream.once('connect', () => {
      socket.pipe(upstream).pipe(socket);
      upstream.once('close', () => socket.destroy());
      socket.once('close', () => upstream.destroy());
    });
  }
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The server has no port.');
  return address.port;
}
