// Imports one entry of a package, given as `esm` or `cjs` and its name, and prints each use of a runtime's global by the
// packages' own files, as JSON. `globalThis` has getters in place of these globals: a package that uses one meanwhile
// fails in a runtime without it, such as Jest's jsdom.
import { createRequire } from 'node:module';
import process from 'node:process';
import vm from 'node:vm';

const [, , format, entry] = process.argv;
// A new context has those of the language itself, which are everywhere.
const language = new Set(vm.runInNewContext('Object.getOwnPropertyNames(globalThis)'));
const names = Object.getOwnPropertyNames(globalThis).filter(
  (name) => !language.has(name) || name === 'console',
);
const touched = [];

function watch(name) {
  const value = globalThis[name];
  Object.defineProperty(globalThis, name, {
    configurable: true,
    get() {
      const [, caller = ''] = new Error().stack
        .split('\n')
        .filter((line) => !line.includes('watched-import'));
      const place = /packages[\\/](core|react|next|nestjs)[\\/]dist[\\/].*?:\d+/.exec(caller)?.[0];
      if (place !== undefined) touched.push(`${name} in ${place}`);
      return value;
    },
    set(replacement) {
      Object.defineProperty(globalThis, name, { value: replacement, configurable: true, writable: true });
    },
  });
}

if (format === 'names') {
  process.stdout.write(JSON.stringify(names));
} else {
  const require = createRequire(import.meta.url);
  for (const name of names) watch(name);
  if (format === 'cjs') require(entry);
  else await import(entry);
  process.stdout.write(JSON.stringify(touched));
}
