// Shared by the workspace's scripts: the repository's path, and pnpm at the pinned version without a global install.
import { execFile, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Absolute path of the repository. */
export const root = fileURLToPath(new URL('..', import.meta.url));

const [requiredMajor, requiredMinor] = [20, 19];
const isWindows = process.platform === 'win32';

/** Exits with a clear message when Node is too old. */
export function requireNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major > requiredMajor || (major === requiredMajor && minor >= requiredMinor)) return;
  process.stderr.write(
    `This needs Node ${requiredMajor}.${requiredMinor} or newer, but this is Node ${process.versions.node}. Install a newer one from https://nodejs.org.\n`,
  );
  process.exit(1);
}

/** Turns the telemetry of every tool off. */
export const quietEnvironment = {
  NEXT_TELEMETRY_DISABLED: '1',
  TURBO_TELEMETRY_DISABLED: '1',
  DO_NOT_TRACK: '1',
};

let pnpmOnPath;

/** Runs pnpm at the pinned version; resolves with its exit code. With `quiet`, output is shown only on failure. */
export async function pnpm(args, { quiet = false } = {}) {
  pnpmOnPath ??= putPnpmOnPath();
  await pnpmOnPath;
  return run('pnpm', args, { quiet });
}

/** npx takes more than a second a call, so it is called at most once. Turbo needs pnpm on the PATH too. */
async function putPnpmOnPath() {
  const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  if (packageManager === `pnpm@${await outputOf('pnpm', ['--version'])}`) return;
  const path = await outputOf('npx', ['-y', '-p', packageManager, '-c', 'node -p process.env.PATH']);
  if (path === '')
    throw new Error(`npx could not install ${packageManager}. Check the network and npm's registry.`);
  process.env.PATH = path;
}

/** The trimmed standard output of a command; empty when it fails. */
function outputOf(command, args) {
  return new Promise((resolve) => {
    execFile(command, args, { cwd: root, shell: isWindows }, (error, stdout) => {
      resolve(error === null ? stdout.trim() : '');
    });
  });
}

/** Runs a command in the repository's root; resolves with its exit code. */
export function run(command, args, { quiet = false, env = {} } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: root,
      env: { ...process.env, ...quietEnvironment, ...env },
      stdio: quiet ? ['ignore', 'pipe', 'pipe'] : 'inherit',
      shell: isWindows,
    });
    const output = [];
    child.stdout?.on('data', (chunk) => output.push(chunk));
    child.stderr?.on('data', (chunk) => output.push(chunk));
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      if (quiet && code !== 0) process.stderr.write(Buffer.concat(output));
      resolve(code ?? (signal === null ? 1 : 130));
    });
  });
}

/** Installs the versions in the lock file. */
export async function install() {
  step('Installing dependencies');
  const code = await pnpm(['install', '--frozen-lockfile', '--prefer-offline'], { quiet: true });
  if (code !== 0) throw new Error('pnpm install failed; its output is above.');
}

/** Prints the heading of a step. */
export function step(text) {
  process.stdout.write(`\n› ${text}\n`);
}

/** The path of a Chromium, from CHROMIUM_PATH or the usual places; undefined if none is found. */
export function findChromium() {
  const named = process.env.CHROMIUM_PATH;
  if (named) {
    if (existsSync(named)) return named;
    throw new Error(`CHROMIUM_PATH is ${named}, but that file does not exist.`);
  }
  const names = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'];
  const folders = (process.env.PATH ?? '').split(delimiter).concat('/usr/bin');
  const candidates = [
    ...folders.flatMap((folder) => names.map((name) => join(folder, name))),
    '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
    '/Applications/Chromium.app/Contents/MacOS/Chromium',
    'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
  ];
  return candidates.find((path) => existsSync(path));
}

/** Whether Debian's PostgreSQL is installed, which tests of the server start. */
export function hasPostgres() {
  const home = '/usr/lib/postgresql';
  return (
    existsSync(home) && readdirSync(home).some((version) => existsSync(join(home, version, 'bin/initdb')))
  );
}
