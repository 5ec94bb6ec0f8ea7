// One `npm start` at a time. The running one leaves a note in the data folder, so that a second one can say so.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { appNames } from './demo-apps.mjs';

const requestTimeoutMs = 2_000;

/** The note: the pid of `npm start`, and the name, URL and pid of each app once all of them run. */
function noteFile(dataDir) {
  return join(dataDir, 'running.json');
}

/** Notes that this process is starting the demo, or runs `apps`. */
export function noteRunning(dataDir, { apps = [] } = {}) {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  writeFileSync(noteFile(dataDir), `${JSON.stringify({ pid: process.pid, apps })}\n`, { mode: 0o600 });
}

/** Deletes the note of this process. */
export function forgetRunning(dataDir) {
  if (readNote(dataDir)?.pid === process.pid) rmSync(noteFile(dataDir), { force: true });
}

/** A message for a start that finds another one running; undefined if none is. */
export async function describeRunning(dataDir) {
  const note = readNote(dataDir);
  if (note === undefined || note.pid === process.pid) return undefined;
  const { pid, apps } = note;
  const up = [];
  // Pids are reused: the pid of a process that ended may belong to another program now.
  for (const app of apps) if (isAlive(app.pid) && (await isReachable(app.url))) up.push(app);
  const list = up.map(({ name, url }) => `  ${name.padEnd(14)} ${url}`).join('\n');
  if (isAlive(pid) && (apps.length === 0 || up.length > 0)) {
    const state = apps.length === 0 ? 'is already starting' : 'is already running';
    return `The demo ${state} (pid ${pid}).\n${list === '' ? '' : `\n${list}\n`}\nTo stop it, press Ctrl-C in its terminal, or run: kill ${pid}\nIf you have no such process, delete ${noteFile(dataDir)} and start again.`;
  }
  if (up.length === 0) return undefined;
  return `An earlier npm start ended and left processes behind. These are still running:\n\n${list}\n\nTo stop them, run: kill ${up.map((app) => app.pid).join(' ')}\nThen start again.`;
}

function readNote(dataDir) {
  try {
    const { pid, apps } = JSON.parse(readFileSync(noteFile(dataDir), 'utf8'));
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

async function isReachable(url) {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(requestTimeoutMs), redirect: 'manual' });
    await response.body?.cancel();
    return true;
  } catch {
    return false;
  }
}

/** A message that lists the apps whose usual port was taken; undefined if all have theirs. */
export function describeMovedPorts(urls, usualPorts) {
  const moved = Object.entries(usualPorts)
    .map(([name, port]) => ({ name, port, now: Number(new URL(urls[name]).port) }))
    .filter(({ port, now }) => port !== now)
    .map(({ name, port, now }) => `  ${port} is taken, so the ${appNames[name]} is at ${now}`);
  return moved.length === 0 ? undefined : `Some ports were in use by other programs:\n${moved.join('\n')}`;
}
