/* Loads 10,000 flags × 3 rules with one library, in a process of its own: node --expose-gc load-child.mjs <library>. */
import { MANY_FLAGS, USERS } from './workload.mjs';

const LIBRARIES = {
  parsed: async () => {
    const own = await import('./own.mjs');
    return { text: own.manyStored(), load: (text) => ({ owner: JSON.parse(text) }) };
  },
  compiled: async () => {
    const own = await import('./own.mjs');
    return { text: own.manyStored(), load: own.loadCompiled };
  },
  client: async () => {
    const own = await import('./own.mjs');
    const config = own.manyConfig();
    return { text: own.manyStored(), load: (text) => own.loadClient(text, config) };
  },
  growthbook: async () => {
    const peer = await import('./peers/growthbook.mjs');
    return { text: peer.manyFeatures(), load: peer.load };
  },
  launchdarkly: async () => {
    const peer = await import('./peers/launchdarkly.mjs');
    return { text: peer.manyFlags(), load: peer.load };
  },
  configcat: async () => {
    const peer = await import('./peers/configcat.mjs');
    return { text: peer.manySettings(), load: peer.load };
  },
  unleash: async () => {
    const peer = await import('./peers/unleash.mjs');
    return { text: peer.manyFeatures(), load: peer.load };
  },
};

const { text, load } = await LIBRARIES[process.argv[2]]();
const before = heapBytes();
const start = performance.now();
const loaded = await load(text);
const ms = performance.now() - start;
const heap = heapBytes() - before;
// Some libraries prepare a flag when it is first read. And one that has loaded nothing must not pass.
if (loaded.read !== undefined) await refuseWrongAnswers(loaded.read);
const heapRead = heapBytes() - before;
process.stdout.write(
  JSON.stringify({ ms, heap, heapRead, textBytes: text.length, isHeld: loaded.owner !== undefined }),
);
process.exit(0);

function heapBytes() {
  for (let turn = 0; turn < 4; turn++) globalThis.gc();
  return process.memoryUsage().heapUsed;
}

/** The countries and the plan give the same result in every library, and the rollout about a half of the others. */
async function refuseWrongAnswers(read) {
  let inside = 0;
  let drawn = 0;
  for (const [index, { key, countries, plan, partCountry }] of MANY_FLAGS.entries()) {
    const user = { ...USERS[index % USERS.length], plan: `plan${index % 5}` };
    const isIn = await read(key, user);
    if (typeof isIn !== 'boolean') throw new Error(`no answer for ${key}`);
    const isSure = countries.includes(user.country) || user.plan === plan;
    if (isSure && !isIn) throw new Error(`wrong answer for ${key}`);
    if (isSure || user.country !== partCountry) {
      if (!isSure && isIn) throw new Error(`wrong answer for ${key}`);
      continue;
    }
    drawn++;
    if (isIn) inside++;
  }
  if (Math.abs(inside / drawn - 0.5) > 0.05) throw new Error(`${inside} of ${drawn} instead of half`);
}
