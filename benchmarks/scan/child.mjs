// One scan in a process of its own: node child.mjs SCHEMA FOLDER. Prints what it took, as JSON. Without a folder it only
// loads the modules.
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const [schema, folder] = process.argv.slice(2);
const load = (file) => import(pathToFileURL(resolve(import.meta.dirname, file)).href);
const { scanForSecrets, findSecretValues } = await load('../../packages/core/dist/leak-scan.js');
const { config } = await load(schema);

// They are not in the output, so that all of it is searched. The shortest value decides how fast that is: it has the fewest
// characters that are looked for.
for (const [index, { environmentVariable }] of [...config.keys.values()].entries()) {
  process.env[environmentVariable] = index === 0 ? '8-Letter' : `the-value-of-${environmentVariable}`;
}
const values = await findSecretValues(config, {});
if (values.length !== 10) throw new Error(`${values.length} values are looked for, not 10.`);
const begin = performance.now();
const result =
  folder === undefined
    ? { leaks: [], files: 0, bytes: 0 }
    : await scanForSecrets({ config, values, paths: [folder] });
if (result.leaks.length > 0) throw new Error('The scan has found something.');
const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
process.stdout.write(
  JSON.stringify({
    files: result.files,
    bytes: result.bytes,
    ms: performance.now() - begin,
    cpuMs: (userCPUTime + systemCPUTime) / 1000,
    rssMB: maxRSS / 1024,
  }),
);
