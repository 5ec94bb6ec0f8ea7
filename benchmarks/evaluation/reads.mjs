import { do_not_optimize, measure } from 'mitata';
import { format, median, printTable } from './table.mjs';
import { FLAG_COUNT, RAW_FLAGS, READ_FLAGS, RULE_FLAGS, USERS } from './workload.mjs';

const SCENARIOS = [
  { title: 'A raw flag', kind: 'raw', flags: RAW_FLAGS, next: changing },
  { title: 'One attribute rule + percentage rollout', kind: 'rule', flags: RULE_FLAGS, next: changing },
  { title: 'The same with details', kind: 'details', flags: RULE_FLAGS, next: changing },
  {
    title: 'All 1,000 flags with a rule, once for each user',
    kind: 'rule',
    flags: RULE_FLAGS,
    next: everyFlag,
  },
];

/** Many calls per sample: the median of single calls would be that of a user who fails the condition. */
const MEASURE = { min_cpu_time: 100_000_000, batch_samples: 1_024, batch_threshold: Number.MAX_SAFE_INTEGER };

/** Refuses a candidate that does not do the work: the value of raw flags, and about half of the rule's country. */
export async function refuseWrongAnswers(candidate) {
  for (const { key, value } of RAW_FLAGS) {
    if (answerOf(candidate, await candidate.raw(key, 0)) !== value) {
      throw new Error(`${candidate.name}: wrong value of ${key}`);
    }
  }
  for (const kind of ['rule', 'details'])
    if (candidate[kind] !== undefined) await refuseWrongShare(candidate, kind);
}

async function refuseWrongShare(candidate, kind) {
  let inside = 0;
  let matching = 0;
  for (const { key, country } of RULE_FLAGS.slice(0, READ_FLAGS)) {
    for (const [index, user] of USERS.entries()) {
      const isIn = answerOf(candidate, await candidate[kind](key, index));
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

function answerOf({ toValue }, answer) {
  return typeof answer === 'object' ? toValue(answer) : answer;
}

/** Measures and prints every scenario. The others are compared with the first candidate. */
export async function measureReads(candidates, rounds) {
  for (const scenario of SCENARIOS) {
    const able = candidates.filter((candidate) => candidate[scenario.kind] !== undefined);
    printReads(scenario, await measureScenario(scenario, able, rounds));
  }
}

/** Each round measures every candidate, starting with another one, so that drift of the machine affects all alike. */
async function measureScenario(scenario, candidates, rounds) {
  const samples = new Map(candidates.map((candidate) => [candidate, []]));
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < candidates.length; turn++) {
      const candidate = candidates[(turn + round) % candidates.length];
      const { p50 } = await measure(reader(candidate, scenario), MEASURE);
      samples.get(candidate).push(p50);
    }
  }
  return samples;
}

function reader(candidate, { kind, flags, next }) {
  const call = next(
    candidate[kind],
    flags.map(({ key }) => key),
  );
  return candidate.isAsync ? async () => do_not_optimize(await call()) : () => do_not_optimize(call());
}

/** Another flag and another user at each call, from a few flags. */
function changing(read, keys) {
  let call = 0;
  return () => {
    call = (call + 1) % (READ_FLAGS * USERS.length);
    return read(keys[call % READ_FLAGS], call % USERS.length);
  };
}

/** Each flag once, then each again for the next user: no flag is in a CPU cache because it was just read. */
function everyFlag(read, keys) {
  let flag = 0;
  let user = 0;
  return () => {
    flag++;
    if (flag === FLAG_COUNT) {
      flag = 0;
      user = (user + 1) % USERS.length;
    }
    return read(keys[flag], user);
  };
}

/**
 * Other work on the machine only ever adds time, so the best round is closest to the truth. The median shows how quiet
 * the machine was.
 */
function printReads({ title }, samples) {
  const best = new Map([...samples].map(([candidate, times]) => [candidate, Math.min(...times)]));
  const [floor] = best.values();
  const own = [...best].filter(([{ isOwn }]) => isOwn).map(([, ns]) => ns);
  const peers = [...best].filter(([{ isPeer }]) => isPeer).map(([, ns]) => ns);
  const rows = [...best].map(([candidate, ns]) => [
    candidate.name,
    format(ns),
    (ns / floor).toFixed(1),
    format(median(samples.get(candidate))),
  ]);
  printTable(title, [['', 'ns a call', '× by hand', 'median ns'], ...rows]);
  const [slowest, fastest] = [Math.max(...own), Math.min(...peers)];
  process.stdout.write(
    `\nSlowest of ours: ${(slowest / floor).toFixed(2)} × by hand, ${(fastest / slowest).toFixed(1)} × faster than the best peer.\n`,
  );
}
