// The whole demo as child processes: the config server and the three apps. Used by `npm start` and the browser suite.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { appNames } from './demo-apps.mjs';
import { DemoProcess } from './demo-process.mjs';
import { freePort } from './free-port.mjs';
import {
  adminApi,
  createAppClients,
  demoEnvironment,
  demoSchema,
  seedValues,
  untilReady,
} from './seed-demo.mjs';
import { root } from './workspace.mjs';

const startTimeoutMs = 90_000;
const host = '127.0.0.1';

/** The ports of `npm start`. If one is in use, the next free one is taken. */
export const usualPorts = { server: 4400, next: 3000, nest: 3100, react: 3200 };
/** Any free ports. */
export const anyPorts = { server: 0, next: 0, nest: 0, react: 0 };

const cliPath = join(root, 'packages/cli/bin/smooai-config.js');

/**
 * Starts everything, and resolves with its URLs once every app responds.
 * `onExit(name, code, tail)` is called when a process ends without having been stopped.
 */
export async function startDemo({
  dataDir,
  ports = usualPorts,
  onStep = () => undefined,
  onExit = () => undefined,
}) {
  mkdirSync(join(dataDir, 'logs'), { recursive: true, mode: 0o700 });
  const processes = new Map();
  const launch = (name, options) => {
    const child = new DemoProcess({
      name,
      logFile: join(dataDir, 'logs', `${name.replaceAll(' ', '-')}.log`),
      onExit: (code) => onExit(name, code, child.tail),
      cwd: root,
      env: {},
      ...options,
    });
    processes.set(name, child);
    return child;
  };
  const stop = async () => {
    const running = [...processes.values()].reverse();
    processes.clear();
    await Promise.all(running.map((child) => child.stop()));
  };
  try {
    return await startAll({ dataDir, ports, onStep, launch, processes, stop });
  } catch (error) {
    await stop();
    throw error;
  }
}

async function startAll({ dataDir, ports, onStep, launch, processes, stop }) {
  onStep('Starting the config server');
  const urls = { server: '', next: '', nest: '', react: '' };
  for (const app of ['next', 'nest', 'react']) urls[app] = `http://${host}:${await freePort(ports[app])}`;
  const launchServer = await serverLauncher({ dataDir, port: ports.server, launch });
  const { url, organizationId, credentialsFile } = await launchServer();
  urls.server = url;

  onStep('Pushing the schema and the first values');
  const push = ['push', 'apps/demo-schema/src/index.ts', '--name', demoSchema, '--yes'];
  await runCli([...push, '--credentials', credentialsFile]);
  const api = await adminApi(credentialsFile);
  await seedValues(api, { apiBaseUrl: urls.nest });
  const clients = await createAppClients(api, { backOfficeOrigin: urls.react });

  onStep('Starting the three apps');
  const apps = appDefinitions({ urls, clients, organizationId });
  await Promise.all(
    apps.map(({ name, url: appUrl, ...options }) => launch(name, options).responds(appUrl, startTimeoutMs)),
  );
  return {
    urls,
    organizationId,
    database: databaseIn(dataDir),
    credentialsFile,
    publishableKey: clients.backOffice.publishableKey,
    api,
    stop,
    serverPid: () => processes.get(appNames.server)?.pid,
    /** Pids by the name of the process. */
    pids: () => Object.fromEntries([...processes].map(([name, child]) => [name, child.pid])),
    /** Kills the config server like a crash, or stops it cleanly. */
    stopServer: ({ crash = false } = {}) => {
      const child = processes.get(appNames.server);
      return crash ? child.kill() : child.stop();
    },
    startServer: async () => {
      await launchServer();
      await untilReady(url, startTimeoutMs);
    },
  };
}

const databaseIn = (dataDir) => join(dataDir, 'config.db');

/** Returns a function that starts the config server, each time on the same port and files. */
async function serverLauncher({ dataDir, port, launch }) {
  const args = ['packages/server/bin/smooai-config-server.js', '--json'];
  args.push('--port', String(await freePort(port)), '--db', databaseIn(dataDir));
  args.push('--credentials', join(dataDir, 'credentials.json'));
  return () => launch(appNames.server, { args }).firstLine(parseServerLine, startTimeoutMs);
}

function appDefinitions({ urls, clients, organizationId }) {
  const port = (url) => new URL(url).port;
  const settings = (client) => ({
    SMOOAI_CONFIG_API_URL: urls.server,
    SMOOAI_CONFIG_AUTH_URL: urls.server,
    SMOOAI_CONFIG_ORG_ID: organizationId,
    SMOOAI_CONFIG_ENV: demoEnvironment,
    SMOOAI_CONFIG_CLIENT_ID: client.clientId,
    SMOOAI_CONFIG_CLIENT_SECRET: client.clientSecret,
  });
  return [
    {
      name: appNames.next,
      url: urls.next,
      cwd: join(root, 'apps/next-demo'),
      args: ['node_modules/next/dist/bin/next', 'start', '--port', port(urls.next), '--hostname', host],
      env: { ...settings(clients.storefront), NODE_ENV: 'production' },
    },
    {
      name: appNames.nest,
      url: urls.nest,
      cwd: join(root, 'apps/nest-demo'),
      args: ['dist/main.js'],
      env: { ...settings(clients.shopApi), PORT: port(urls.nest), HOST: host, NODE_ENV: 'production' },
    },
    {
      name: appNames.react,
      url: urls.react,
      cwd: join(root, 'apps/react-demo'),
      args: [
        'node_modules/vite/bin/vite.js',
        'preview',
        '--port',
        port(urls.react),
        '--strictPort',
        '--host',
        host,
      ],
      env: {
        DEMO_API_URL: urls.server,
        DEMO_ORG_ID: organizationId,
        DEMO_ENVIRONMENT: demoEnvironment,
        DEMO_PUBLISHABLE_KEY: clients.backOffice.publishableKey,
      },
    },
  ];
}

function parseServerLine(line) {
  try {
    const parsed = JSON.parse(line);
    return typeof parsed.url === 'string' ? parsed : undefined;
  } catch {
    return undefined;
  }
}

/** Runs this repository's CLI. Rejects with its output if it fails. */
export async function runCli(args) {
  const { execFile } = await import('node:child_process');
  return new Promise((resolve, reject) => {
    execFile(
      process.execPath,
      [cliPath, ...args],
      { cwd: root, timeout: 60_000 },
      (error, stdout, stderr) => {
        if (error === null) resolve({ stdout, stderr });
        else reject(new Error(`smooai-config ${args[0]} failed: ${stderr || stdout || error.message}`));
      },
    );
  });
}
