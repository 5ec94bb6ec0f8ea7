// `npm run mutation`: changes the code in small ways, one at a time, and counts the changes that no test notices.
//   --room evaluation   only this room; may be given several times
//   --file operators    only files whose path contains this text
//   --survivors         run the survivors again; needed after a test was changed but kept its name
//   --force             run everything again
//   --concurrency 2     the number of test runners; default 1
//   --table             only print the results so far
import { parseArgs } from 'node:util';
import { installPackages } from './install.mjs';
import { forgetSurvivors, hasStaticMutants } from './results.mjs';
import { rooms } from './rooms.mjs';
import { printTable } from './table.mjs';

const { values: options } = parseArgs({
  options: {
    room: { type: 'string', multiple: true, default: Object.keys(rooms) },
    file: { type: 'string', default: '' },
    survivors: { type: 'boolean', default: false },
    force: { type: 'boolean', default: false },
    concurrency: { type: 'string', default: '1' },
    table: { type: 'boolean', default: false },
  },
});
const unknown = options.room.find((name) => !(name in rooms));
if (unknown !== undefined) {
  const names = Object.keys(rooms).join(', ');
  process.stderr.write(`"${unknown}" is not a room. The rooms are ${names}.\n`);
  process.exit(2);
}
if (!options.table) {
  installPackages('@stryker-mutator/core');
  const { mutateRoom } = await import('./mutate-room.mjs');
  for (const name of options.room) {
    process.stdout.write(`\n› ${name}\n`);
    const { file, force } = options;
    if (options.survivors) forgetSurvivors(name, file);
    const settings = { file, force, concurrency: Number(options.concurrency) };
    // A mutant that also takes effect while a module loads would run all tests of the room. First each runs the tests that
    // reach it; then those that take effect in no test run them all.
    await mutateRoom(name, { ...settings, ignoreStatic: true });
    if (hasStaticMutants(name)) await mutateRoom(name, { ...settings, force: false, ignoreStatic: false });
  }
}
process.exitCode = printTable(options.room) ? 0 : 1;
