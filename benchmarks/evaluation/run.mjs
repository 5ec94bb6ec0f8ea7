import { cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { byHand } from './by-hand.mjs';
import { measureImports, measureLoading } from './children.mjs';
import { client, compiled } from './own.mjs';
import { configCat } from './peers/configcat.mjs';
import { growthBook } from './peers/growthbook.mjs';
import { launchDarkly } from './peers/launchdarkly.mjs';
import { openFeature } from './peers/openfeature.mjs';
import { unleash } from './peers/unleash.mjs';
import { measureReads, refuseWrongAnswers } from './reads.mjs';

const { values: options } = parseArgs({ options: { rounds: { type: 'string', default: '15' } } });
const rounds = Number(options.rounds);
if (!Number.isInteger(rounds) || rounds < 1) {
  process.stderr.write('--rounds must be a whole number, at least 1\n');
  process.exit(2);
}

process.stdout.write(
  `Node ${process.version}, ${cpus()[0]?.model ?? 'unknown CPU'} × ${cpus().length}, load ${loadavg()[0].toFixed(1)}, ${rounds} rounds\n`,
);
// First, while this process is small and idle.
await measureImports(rounds);
await measureLoading(Math.min(rounds, 7));

const candidates = [];
for (const make of [byHand, compiled, client, growthBook, configCat, launchDarkly, unleash, openFeature]) {
  candidates.push(await make());
}
for (const candidate of candidates) await refuseWrongAnswers(candidate);
// The loop over keys and users, and the call: a part of every number in the tables.
candidates.push({ name: '(the loop alone)', raw: (key) => key, rule: (key) => key, details: (key) => key });
await measureReads(candidates, rounds);
for (const candidate of candidates) await candidate.close?.();
process.stdout.write(`\nload ${loadavg()[0].toFixed(1)} at the end\n`);
