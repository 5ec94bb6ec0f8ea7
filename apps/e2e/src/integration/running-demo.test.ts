import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { describeMovedPorts, describeRunning } from '../../../../scripts/running-demo.mjs';

const NOTES = new URL('../../../../scripts/running-demo.mjs', import.meta.url).href;

/** An HTTP server in a process of its own. */
const APP = `
  const server = require('node:http').createServer((_request, response) => response.end('up'));
  server.listen(0, '127.0.0.1', () => process.stdout.write(String(server.address().port)));`;

/** A start that notes that it runs `apps`, and deletes the note when it ends cleanly. */
const start = (dataDir: string, apps: unknown): string => `
  import { forgetRunning, noteRunning } from ${JSON.stringify(NOTES)};
  const dataDir = ${JSON.stringify(dataDir)};
  noteRunning(dataDir, { apps: ${JSON.stringify(apps)} });
  process.once('exit', () => forgetRunning(dataDir));
  process.on('SIGTERM', () => process.exit(0));
  setInterval(() => {}, 1_000);
  process.stdout.write('ready');`;

async function launch(args: string[]): Promise<{ child: ChildProcess; line: string }> {
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [line] = await once(child.stdout, 'data');
  return { child, line: String(line).trim() };
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  const ended = once(child, 'exit');
  child.kill(signal);
  await ended;
}

it('describes the running demo to a second start, until the first one has ended', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'smooai-demo-'));
  onTestFinished(() => rm(dataDir, { recursive: true, force: true }));
  expect(await describeRunning(dataDir)).toBeUndefined();

  const building = await launch(['--input-type=module', '-e', start(dataDir, [])]);
  const early = await describeRunning(dataDir);
  expect(early).toContain(`is already starting (pid ${building.child.pid})`);
  await end(building.child, 'SIGTERM');
  expect(await describeRunning(dataDir)).toBeUndefined();

  const app = await launch(['-e', APP]);
  const url = `http://127.0.0.1:${app.line}`;
  const apps = [
    { name: 'storefront', url, pid: app.child.pid },
    { name: 'gone', url: 'http://127.0.0.1:1', pid: building.child.pid },
  ];
  const running = await launch(['--input-type=module', '-e', start(dataDir, apps)]);
  const words = await describeRunning(dataDir);
  expect(words).toContain(`is already running (pid ${running.child.pid})`);
  expect(words).toMatch(new RegExp(`storefront +${url}`));
  expect(words).toContain(`kill ${running.child.pid}`);
  expect(words).not.toContain('gone');

  await end(running.child, 'SIGKILL');
  const orphaned = await describeRunning(dataDir);
  expect(orphaned).toContain('left processes behind');
  expect(orphaned).toContain(`kill ${app.child.pid}`);
  await end(app.child, 'SIGKILL');
  expect(await describeRunning(dataDir)).toBeUndefined();
});

it('lists the apps whose port was taken', () => {
  const usual = { server: 4400, next: 3000, nest: 3100, react: 3200 };
  const at = (ports: typeof usual) =>
    Object.fromEntries(Object.entries(ports).map(([name, port]) => [name, `http://127.0.0.1:${port}`]));
  expect(describeMovedPorts(at(usual), usual)).toBeUndefined();
  const words = describeMovedPorts(at({ ...usual, next: 3001 }), usual);
  expect(words).toContain('3000 is taken, so the storefront is at 3001');
  expect(words).not.toContain('shop API');
});
