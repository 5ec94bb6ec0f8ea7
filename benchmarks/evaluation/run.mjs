import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { do_not_optimize, measure } from 'mitata';
import * as factories from './candidates.mjs';
import { RAW_FLAGS, READ_FLAGS, RULE_FLAGS, USERS } from './workload.mjs';

const { values: options } = parseArgs({ options: { rounds: { type: 'string', default: '15' } } });
const rounds = Number(options.rounds);
if (!Number.isInteger(rounds) || rounds < 1) {
  process.stderr.write('--rounds must be a whole number of 1 or more\n');
  process.exit(2);
}

const SCENARIOS = [
  { title: 'A raw flag', kind: 'raw', flags: RAW_FLAGS },
  { title: 'One attribute rule + percentage rollout', kind: 'rule', flags: RULE_FLAGS },
];

const candidates = [];
for (const factory of [
  factories.byHand,
  factories.byHandWithDetails,
  factories.coreCompiled,
  factories.coreClient,
  factories.growthBook,
  factories.launchDarkly,
  factories.openFeature,
]) {
  candidates.push(await factory());
}

for (const candidate of candidates) await refuseWrongAnswers(candidate);
// The loop, the turn of keys and users and the call: a part of every number in the tables.
const harness = { name: '(the loop alone)', raw: (key) => key, rule: (key) => key };
candidates.push(harness);

process.stdout.write(
  `Node ${process.version}, ${cpus()[0]?.model ?? 'unknown CPU'}, best of ${rounds} rounds\n`,
);
for (const scenario of SCENARIOS) printTable(scenario, await measureScenario(scenario));
for (const candidate of candidates) await candidate.close?.();

/** A candidate is only measured if it does the work: the value for raw flags, about half of the one country else. */
async function refuseWrongAnswers(candidate) {
  const toValue = candidate.toValue ?? ((answer) => answer);
  for (const { key, value } of RAW_FLAGS) {
    if (toValue(await candidate.raw(key, 0)) !== value)
      throw new Error(`${candidate.name}: wrong value of ${key}`);
  }
  let inside = 0;
  let matching = 0;
  for (const { key, country } of RULE_FLAGS.slice(0, READ_FLAGS)) {
    for (const [index, user] of USERS.entries()) {
      const isIn = toValue(await candidate.rule(key, index));
      if (user.country !== country && isIn !== false)
        throw new Error(`${candidate.name}: wrong country in ${key}`);
      if (user.country === country) matching++;
      if (isIn === true) inside++;
    }
  }
  const share = inside / matching;
  if (Math.abs(share - 0.5) > 0.03)
    throw new Error(`${candidate.name}: ${share} of the users instead of half`);
}

/** Every round measures every candidate, in turn and from another start, so that drift of the machine hits all alike. */
async function measureScenario(scenario) {
  const samples = new Map(candidates.map((candidate) => [candidate, []]));
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < candidates.length; turn++) {
      const candidate = candidates[(turn + round) % candidates.length];
      const { p50 } = await measure(reader(candidate, scenario), { min_cpu_time: 100_000_000 });
      samples.get(candidate).push(p50);
    }
  }
  return samples;
}

function reader(candidate, { kind, flags }) {
  const read = candidate[kind];
  const keys = flags.slice(0, READ_FLAGS).map(({ key }) => key);
  let call = 0;
  const next = () => {
    call = (call + 1) % (READ_FLAGS * USERS.length);
    return read(keys[call % READ_FLAGS], call % USERS.length);
  };
  return candidate.isAsync ? async () => do_not_optimize(await next()) : () => do_not_optimize(next());
}

/** What else runs on a machine only ever adds time, so the best round is the nearest to the truth; the median tells how quiet it was. */
function printTable({ title }, samples) {
  const best = new Map([...samples].map(([candidate, times]) => [candidate, Math.min(...times)]));
  const [floor] = best.values();
  process.stdout.write(
    `\n${title}\n\n| | ns a call | × by hand | median ns |\n| --- | ---: | ---: | ---: |\n`,
  );
  for (const [candidate, ns] of best) {
    const middle = median(samples.get(candidate));
    process.stdout.write(
      `| ${candidate.name} | ${format(ns)} | ${(ns / floor).toFixed(1)} | ${format(middle)} |\n`,
    );
  }
}

function median(numbers) {
  const sorted = [...numbers].sort((left, right) => left - right);
  return sorted[Math.floor(sorted.length / 2)];
}

function format(ns) {
  return ns < 100 ? ns.toFixed(1) : Math.round(ns).toLocaleString('en');
}
