// A process of run.mjs, with React's production build in jsdom. It prints what it measured as JSON.
//   --rounds 0: the first mount of a candidate in a process that has only mounted constants before.
//   --rounds n: mounts and flips of a candidate and of the store by hand, in turns, after as many as the compiler needs.
import { parseArgs } from 'node:util';
import { JSDOM } from 'jsdom';

process.env.NODE_ENV = 'production';
const { values: options } = parseArgs({
  options: { candidate: { type: 'string' }, bundle: { type: 'string' }, rounds: { type: 'string' } },
});
const { window } = new JSDOM('<!doctype html><body></body>', { url: 'http://localhost/' });
for (const name of ['window', 'document', 'HTMLElement', 'MutationObserver', 'Node', 'localStorage']) {
  Object.defineProperty(globalThis, name, {
    value: name === 'window' ? window : window[name],
    configurable: true,
  });
}
const { createElement: h, memo } = await import('react');
const { createRoot } = await import('react-dom/client');
const { flushSync } = await import('react-dom');
const candidates = await import('./candidates.mjs');

const COUNT = 1000;
const FLIPS = 50;
const WARM_UP = 12;
const keys = Array.from({ length: COUNT }, (_, index) => `flag${index}`);
const turn = () => new Promise((done) => setImmediate(done));

const { byHand, constants } = candidates;
const candidate =
  options.candidate === 'ours'
    ? candidates.ours(await import(options.bundle))
    : candidates[options.candidate];
const rounds = Number(options.rounds);
process.stdout.write(JSON.stringify(rounds === 0 ? await firstMount() : await pairs()));
process.exit(0);

async function firstMount() {
  for (let count = 0; count < WARM_UP; count++) await measure(constants);
  const { mount } = await measure(candidate);
  return mount;
}

async function pairs() {
  const samples = [];
  for (let round = -WARM_UP; round < rounds; round++) {
    // The second finds what the first has left behind, so each is second in half of the rounds.
    const order = round % 2 === 0 ? [byHand, candidate] : [candidate, byHand];
    const results = new Map();
    for (const each of order) results.set(each, await measure(each));
    if (round >= 0) samples.push({ byHand: results.get(byHand), candidate: results.get(candidate) });
  }
  return samples;
}

async function measure({ name, create }) {
  const { Provider, useFlag, flip, close } = await create(keys);
  let renders = 0;
  const One = memo(function One({ id }) {
    renders += 1;
    return h('i', null, String(useFlag(id)));
  });
  const children = keys.map((key) => h(One, { key, id: key }));
  const container = document.body.appendChild(document.createElement('div'));
  const root = createRoot(container);
  // A mount begins with an empty nursery. A full collection would also throw compiled code away, and its compilation
  // would then be most of the mount.
  globalThis.gc({ type: 'minor' });
  // The processor's time, because a mount is long enough to be interrupted by other work on the machine.
  const start = process.cpuUsage();
  flushSync(() => root.render(h(Provider, null, children)));
  const { user, system } = process.cpuUsage(start);
  // Some providers render again once they are ready.
  for (let count = 0; count < 20; count++) await turn();
  const texts = Array.from(container.childNodes, (element) => element.firstChild);
  if (texts.length !== COUNT || texts.some(({ data }) => data !== 'false')) {
    throw new Error(`${name} does not show the values`);
  }
  renders = 0;
  const times = flip ? await timeFlips(flip, texts, name) : [Number.NaN];
  const perFlip = renders / FLIPS;
  flushSync(() => root.unmount());
  container.remove();
  await close?.();
  return { mount: (user + system) / 1000, flip: median(times), renders: perFlip };
}

async function timeFlips(flip, texts, name) {
  const times = [];
  for (let index = 0; index < FLIPS; index++) {
    const flipped = (index * 37) % COUNT;
    const before = performance.now();
    flip(keys[flipped], true);
    for (let turns = 0; texts[flipped].data !== 'true'; turns++) {
      if (turns > 1000) throw new Error(`${name} does not show the change`);
      await turn();
    }
    times.push(performance.now() - before);
    for (let count = 0; count < 5; count++) await turn();
  }
  return times;
}

function median(numbers) {
  return numbers.toSorted((left, right) => left - right)[Math.floor(numbers.length / 2)];
}
