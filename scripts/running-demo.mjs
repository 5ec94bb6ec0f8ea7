// One `npm start` at a time: what runs is written down in the data folder, and the next start says so.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const answerTimeoutMs = 2_000;

/** What `npm start` writes down: its pid, and the name, URL and pid of each app once all of them run. */
function fileIn(dataDir) {
  return join(dataDir, 'running.json');
}

/** Writes down that this process starts or runs the demo. */
export function noteRunning(dataDir, { apps = [] } = {}) {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  writeFileSync(fileIn(dataDir), `${JSON.stringify({ pid: process.pid, apps })}\n`, { mode: 0o600 });
}

/** Forgets what {@link noteRunning} of this process wrote. */
export function forgetRunning(dataDir) {
  if (readNote(dataDir)?.pid === process.pid) rmSync(fileIn(dataDir), { force: true });
}

/** Words for a start that finds another one running; undefined where there is none. */
export async function describeRunning(dataDir) {
  const note = readNote(dataDir);
  if (note === undefined || note.pid === process.pid) return undefined;
  const { pid, apps } = note;
  const up = [];
  // Pids are used again: the one of a process that is long gone may be another program's.
  for (const app of apps) if (isAlive(app.pid) && (await answers(app.url))) up.push(app);
  const list = up.map(({ name, url }) => `  ${name.padEnd(14)} ${url}`).join('\n');
  if (isAlive(pid) && (apps.length === 0 || up.length > 0)) {
    const what = apps.length === 0 ? 'is starting' : 'runs';
    return `The demo ${what} already (pid ${pid}).\n${list === '' ? '' : `\n${list}\n`}\nTo end it, press Ctrl-C in its terminal, or run: kill ${pid}\nIf no such process of yours is there, delete ${fileIn(dataDir)} and start again.`;
  }
  if (up.length === 0) return undefined;
  return `An earlier npm start ended without its processes. These are still up:\n\n${list}\n\nTo end them, run: kill ${up.map((app) => app.pid).join(' ')}\nThen start again.`;
}

function readNote(dataDir) {
  try {
    const { pid, apps } = JSON.parse(readFileSync(fileIn(dataDir), 'utf8'));
    return Number.isInteger(pid) && Array.isArray(apps) ? { pid, apps } : undefined;
  } catch {
    return undefined;
  }
}

function isAlive(pid) {
  if (!Number.isInteger(pid) || pid < 1) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

async function answers(url) {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(answerTimeoutMs), redirect: 'manual' });
    await response.body?.cancel();
    return true;
  } catch {
    return false;
  }
}

/** Where ports moved, since others listen at the usual ones; undefined where none did. */
export function describeMovedPorts(urls, usualPorts) {
  const moved = Object.entries(usualPorts)
    .map(([name, port]) => ({ name, port, now: Number(new URL(urls[name]).port) }))
    .filter(({ port, now }) => port !== now)
    .map(({ name, port, now }) => `  ${port} is taken, so the ${appNames[name]} is at ${now}`);
  return moved.length === 0
    ? undefined
    : `Ports moved, for other programs listen at the usual ones:\n${moved.join('\n')}`;
}

/** What the parts of the demo are called. */
export const appNames = {
  server: 'config server',
  next: 'storefront',
  nest: 'shop API',
  react: 'back office',
};
