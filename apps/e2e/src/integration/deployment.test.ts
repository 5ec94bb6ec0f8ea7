import { execFile, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { parse } from 'yaml';
import { freePort } from '../../../../scripts/free-port.mjs';
import { serverBin } from './replica-set.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../../..', import.meta.url));
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
/** Where the image has the package of the server. */
const IMAGE_FOLDER = '/server/';

interface Service {
  image: string;
  command?: string;
  build?: { context: string; dockerfile: string };
  environment?: Record<string, string>;
  networks?: string[];
  ports?: string[];
  user?: string;
}

interface Compose {
  services: Record<string, Service>;
  networks: Record<string, { internal?: boolean } | null>;
  volumes: Record<string, unknown>;
}

interface Probe {
  httpGet: { path: string; port: number };
}

interface Container {
  args: string[];
  ports: { name?: string; containerPort: number }[];
  livenessProbe: Probe;
  readinessProbe: Probe;
  volumeMounts: { name: string; mountPath: string }[];
}

interface Deployment {
  kind: string;
  spec: { template: { spec: { containers: Container[]; volumes: { name: string }[] } } };
}

interface Instruction {
  name: string;
  text: string;
}

const compose = parse(read('deploy/compose.yaml')) as Compose;
const servers = Object.entries(compose.services).filter(([, { image }]) => image === 'smooai-config-server');
const commandOf = ({ command = '' }: Service): string[] => command.split(' ');
const yamlBlocks = [...read('docs/production.md').matchAll(/^```yaml\n([\s\S]*?)^```/gm)].map(
  ([, text = '']): unknown => parse(text),
);
const block = <Shape>(property: string): Shape =>
  yamlBlocks.find((value) => typeof value === 'object' && value !== null && property in value) as Shape;
const instructions = instructionsOf(read('deploy/Dockerfile'));

/** The instructions of a Dockerfile, with continued lines as one. */
function instructionsOf(text: string): Instruction[] {
  return text
    .replace(/^#.*\n/gm, '')
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => ({ name: line.split(' ', 1)[0] ?? '', text: line.slice(line.indexOf(' ') + 1) }));
}

/** The texts of all instructions of one name in the last stage, which is the image. */
function inImage(wanted: string): string[] {
  const from = instructions.findLastIndex(({ name }) => name === 'FROM');
  return instructions
    .slice(from)
    .filter(({ name }) => name === wanted)
    .map(({ text }) => text);
}

function optionOf(args: readonly string[], option: string): string | undefined {
  const at = args.indexOf(option);
  return at < 0 ? undefined : args[at + 1];
}

/**
 * Starts the program with the arguments of a deployment: an option that it does not have would end it. Only addresses and
 * files are replaced, by repeating their options.
 */
async function start(args: readonly string[]): Promise<Record<'url' | 'metricsUrl', string>> {
  const folder = await mkdtemp(join(tmpdir(), 'smooai-config-deployment-'));
  const port = String(await freePort(0));
  const here = ['--host', '127.0.0.1', '--port', port, '--db', ':memory:', '--log-level', 'silent', '--json'];
  const own = [...here, '--credentials', join(folder, 'credentials.json'), '--drain', '0'];
  const metrics = args.includes('--metrics-port')
    ? ['--metrics-host', '127.0.0.1', '--metrics-port', '0']
    : [];
  const child = spawn(process.execPath, [serverBin, ...args, ...own, ...metrics], { cwd: folder });
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await ended;
    await rm(folder, { recursive: true, force: true });
  });
  const line = await new Promise<string>((resolve, reject) => {
    child.stdout.once('data', (chunk: Buffer) => resolve(chunk.toString()));
    void ended.then(() => reject(new Error(`The server ended: ${stderr}`)));
  });
  const { metricsUrl } = JSON.parse(line) as { metricsUrl: string };
  // Not the printed URL, which is the public one.
  return { url: `http://127.0.0.1:${port}`, metricsUrl };
}

describe('the compose file', () => {
  it('starts each server with options that the program has', async () => {
    expect(servers.map(([name]) => name)).toEqual(['server-1', 'server-2']);
    for (const [, service] of servers) {
      const { url, metricsUrl } = await start(commandOf(service));
      expect((await fetch(`${url}/readyz`)).status).toBe(200);
      expect((await fetch(metricsUrl)).status).toBe(200);
    }
  });

  it('sets variables that the program knows, and says which ones it needs itself', async () => {
    const { stdout } = await run(process.execPath, [serverBin, '--help']);
    const variables = servers.flatMap(([, { environment = {} }]) => Object.keys(environment));
    for (const name of variables) expect(stdout).toContain(name);
    const text = read('deploy/compose.yaml');
    const [comment = ''] = text.split('\nservices:');
    for (const [, name = ''] of text.matchAll(/\$\{(\w+)/g)) expect(comment).toContain(name);
  });

  it('builds the image with files that exist', () => {
    for (const [, { build = { context: '', dockerfile: '' } }] of servers) {
      const context = join(root, 'deploy', build.context);
      expect(existsSync(join(context, build.dockerfile))).toBe(true);
    }
  });

  it('publishes the proxy alone, and lets it reach each server at its port', () => {
    const published = Object.entries(compose.services).filter(([, { ports }]) => ports !== undefined);
    expect(published.map(([name]) => name)).toEqual(['proxy']);
    for (const [name, service] of servers) {
      expect(compose.services.proxy?.command).toContain(
        `--to ${name}:${optionOf(commandOf(service), '--port')}`,
      );
    }
  });

  it('has the metrics of each server where docs/production.md lets Prometheus read them', () => {
    const { scrape_configs: jobs } = block<{
      scrape_configs: { static_configs: { targets: string[] }[] }[];
    }>('scrape_configs');
    const targets = jobs.flatMap(({ static_configs: configs }) =>
      configs.flatMap((config) => config.targets),
    );
    expect(targets).toEqual(
      servers.map(([name, service]) => `${name}:${optionOf(commandOf(service), '--metrics-port')}`),
    );
    const added = block<Compose>('services');
    const networks = { ...compose.networks, ...added.networks };
    for (const name of added.services.prometheus?.networks ?? []) expect(networks).toHaveProperty(name);
    for (const [, service] of servers) expect(service.networks).toContain('metrics');
    expect(added.services.prometheus?.networks).toContain('metrics');
    expect(compose.networks.metrics?.internal).toBe(true);
  });
});

describe('the Kubernetes manifest of docs/production.md', () => {
  const { template } = block<Deployment>('apiVersion').spec;
  const container = template.spec.containers[0] as Container;
  const { args, ports, livenessProbe, readinessProbe, volumeMounts } = container;

  it('starts the server with options that the program has, and asks for routes that it has', async () => {
    const { url, metricsUrl } = await start(args);
    expect((await fetch(metricsUrl)).status).toBe(200);
    for (const { httpGet } of [livenessProbe, readinessProbe]) {
      expect((await fetch(`${url}${httpGet.path}`)).status).toBe(200);
      expect(httpGet.port).toBe(Number(optionOf(args, '--port')));
    }
  });

  it('names the ports and folders that its options use', () => {
    expect(ports).toEqual([
      { containerPort: Number(optionOf(args, '--port')) },
      { name: 'metrics', containerPort: Number(optionOf(args, '--metrics-port')) },
    ]);
    const [mount] = volumeMounts;
    expect(optionOf(args, '--credentials')).toMatch(new RegExp(`^${mount?.mountPath}/`));
    expect(template.spec.volumes.map(({ name }) => name)).toEqual([mount?.name]);
  });
});

describe('the Dockerfile', () => {
  const ignored = read('deploy/Dockerfile.dockerignore').trim().split('\n');
  let manifest: { bin: Record<string, string>; packageManager: string };
  beforeAll(() => {
    const { bin } = JSON.parse(read('packages/server/package.json'));
    manifest = { bin, packageManager: JSON.parse(read('package.json')).packageManager };
  });

  it('copies files that exist, or that its first stage has made', () => {
    const copies = instructions.filter(({ name }) => name === 'COPY').map(({ text }) => text.split(' '));
    expect(copies).toHaveLength(2);
    for (const [first = '', second = ''] of copies) {
      if (!first.startsWith('--from=')) expect(existsSync(join(root, first)), first).toBe(true);
      else expect(buildCommands()).toContain(` ${second}`);
    }
    // The build needs the whole workspace, since the lock file is about all of it, and documents for the package.
    for (const needed of ['packages', 'apps', 'docs', 'scripts', 'pnpm-lock.yaml', 'pnpm-workspace.yaml']) {
      expect(ignored).not.toContain(needed);
    }
  });

  function buildCommands(): string {
    return instructions
      .filter(({ name }) => name === 'RUN')
      .map(({ text }) => text)
      .join('\n');
  }

  it('builds with the package manager of the repository and the name of the package', () => {
    const { name } = JSON.parse(read('packages/server/package.json')) as { name: string };
    expect(new Set(buildCommands().match(/pnpm@[\d.]+/g))).toEqual(new Set([manifest.packageManager]));
    expect(buildCommands()).toContain(`--filter ${name} deploy --prod`);
  });

  it('runs the command of the package as a user who is not root', () => {
    const entrypoint = JSON.parse(inImage('ENTRYPOINT')[0] ?? '') as string[];
    const bin = manifest.bin['smooai-config-server'] ?? '';
    expect(entrypoint).toEqual(['node', join(IMAGE_FOLDER, bin)]);
    expect(inImage('USER')).toEqual(['node']);
    for (const [, { user }] of servers) expect(user).toBeUndefined();
  });

  it('starts with options that the program has, and asks for its health as the program expects', async () => {
    const args = JSON.parse(inImage('CMD')[0] ?? '') as string[];
    const { url } = await start(args);
    const port = optionOf(args, '--port') ?? '';
    expect(inImage('EXPOSE')).toEqual([port]);
    const check = /CMD (\[.*\])$/.exec(inImage('HEALTHCHECK')[0] ?? '')?.[1] ?? '';
    const [command, ...rest] = JSON.parse(check) as string[];
    expect(command).toBe('node');
    const healthy = rest.map((text) => text.replace(`127.0.0.1:${port}`, new URL(url).host));
    await run(process.execPath, healthy);
    const unhealthy = healthy.map((text) => text.replace('/readyz', '/missing'));
    await expect(run(process.execPath, unhealthy)).rejects.toMatchObject({ code: 1 });
  });
});
