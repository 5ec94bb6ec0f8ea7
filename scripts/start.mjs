// `npm start`: installs, builds whatever changed, then runs the config server and the three demo apps until Ctrl-C.
import { join, relative } from 'node:path';
import { startDemo, usualPorts } from './demo.mjs';
import { appNames, frameworks } from './demo-apps.mjs';
import { describeMovedPorts, describeRunning, forgetRunning, noteRunning } from './running-demo.mjs';
import { install, pnpm, requireNode, root, step } from './workspace.mjs';

requireNode();
const dataDir = join(root, '.smooai');

try {
  // Before the build, which would replace the files that a running demo serves.
  const running = await describeRunning(dataDir);
  if (running !== undefined) throw new Error(running);
  noteRunning(dataDir);
  process.once('exit', () => forgetRunning(dataDir));
  await install();
  step('Building packages and apps (about half a minute the first time, then seconds)');
  const code = await pnpm([
    'exec',
    'turbo',
    'run',
    'build',
    '--output-logs=errors-only',
    '--log-order=grouped',
  ]);
  if (code !== 0) throw new Error('The build failed; its output is above.');
  await runDemo();
} catch (error) {
  process.stderr.write(`\n${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}

async function runDemo() {
  let demo;
  let stopping;
  const stop = (code) => {
    stopping ??= (async () => {
      process.stdout.write('\nStopping …\n');
      await demo?.stop();
      process.exit(code);
    })();
    return stopping;
  };
  let isInterrupted = false;
  const isStopping = () => stopping !== undefined || isInterrupted;
  for (const signal of ['SIGINT', 'SIGTERM']) {
    process.on(signal, () => {
      isInterrupted = true;
      // While the demo is starting, the start fails because its child processes end, and it cleans up.
      if (demo !== undefined) void stop(0);
    });
  }
  try {
    demo = await startDemo({
      dataDir,
      onStep: step,
      onExit: (name, code, tail) => {
        if (isStopping()) return;
        if (demo !== undefined && name === appNames.server) {
          return void restartServer(demo, code, isStopping);
        }
        process.stderr.write(`\nThe ${name} stopped unexpectedly (${code}).\n${tail}\n`);
        if (demo !== undefined) void stop(1);
      },
    });
  } catch (error) {
    if (isInterrupted) process.exit(0);
    throw error;
  }
  if (isInterrupted) return stop(0);
  noteApps(demo);
  printTable(demo);
}

const restartAfterMs = 10_000;

/** The apps keep running without the config server. After a while it is restarted, and they receive changes again. */
async function restartServer(demo, code, isStopping) {
  process.stdout.write(
    `\nThe config server stopped (${code}). The apps keep the last values. It restarts in ${restartAfterMs / 1000} s.\n`,
  );
  await new Promise((resolve) => setTimeout(resolve, restartAfterMs));
  if (isStopping()) return;
  try {
    await demo.startServer();
    noteApps(demo);
    process.stdout.write(`\nThe config server is running again (pid ${demo.serverPid()}).\n`);
  } catch (error) {
    process.stderr.write(`\nThe config server could not be restarted. ${error.message}\n`);
  }
}

function noteApps({ urls, pids }) {
  const running = pids();
  const apps = Object.entries(appNames).map(([part, name]) => ({
    name,
    url: urls[part],
    pid: running[name],
  }));
  noteRunning(dataDir, { apps });
}

function printTable({ serverPid, urls, credentialsFile, database }) {
  const here = (path) => relative(process.cwd(), path) || '.';
  const set = (assignment) =>
    `npx smooai-config set ${assignment} --env development --credentials ${here(credentialsFile)}`;
  const rows = [
    ...Object.keys(frameworks).map((app) => [
      `${capitalized(appNames[app]).padEnd(12)} ${frameworks[app]}`,
      urls[app],
    ]),
    [capitalized(appNames.server), `${urls.server}   (pid ${serverPid()})`],
    ['Data', `${here(database)}   (delete ${here(dataDir)}/ to start afresh)`],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  const table = rows.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`).join('\n');
  const moved = describeMovedPorts(urls, usualPorts);
  process.stdout.write(`
Ready. Open the three apps side by side:

${table}
${moved === undefined ? '' : `\n${moved}\n`}
In another terminal, change a flag and watch all three apps follow without a reload:

  ${set('flags.newCheckout true')}
  ${set('flags.theme dark')}
  ${set('limits.cartItems 5')}

Press Ctrl-C to stop everything.
`);
}

function capitalized(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
