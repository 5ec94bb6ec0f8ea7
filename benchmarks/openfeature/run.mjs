// 10,000 evaluations through OpenFeature's server SDK: our provider beside the SDK's in-memory provider, in turns.
import { createRequire } from 'node:module';
import { parseArgs } from 'node:util';

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '15' } } });
const EVALUATIONS = 10_000;
const ROUNDS = Number(values.rounds);

// All from the package's own folder: the provider and the benchmark must share one SDK.
const require = createRequire(new URL('../../packages/openfeature/package.json', import.meta.url));
const { InMemoryProvider, OpenFeature } = require('@openfeature/server-sdk');
const { defineConfig } = require('@smooai/config');
const { createTestClient } = require('@smooai/config/testing');
const { SmooConfigProvider } = require('../../packages/openfeature/dist/server.cjs');

const any = { '~standard': { version: 1, vendor: 'benchmark', validate: (value) => ({ value }) } };
const config = defineConfig({ flags: { plain: any, targeted: any } });
const when = { attribute: 'country', op: 'in', values: ['NL'] };
const client = createTestClient({
  config,
  flags: {
    plain: true,
    targeted: { $cohort: { rules: [{ id: 'dutch', when, value: true }], defaultValue: false } },
  },
});
const variants = { on: true, off: false };
const inMemory = new InMemoryProvider({
  plain: { variants, defaultVariant: 'on', disabled: false },
  targeted: {
    variants,
    defaultVariant: 'off',
    disabled: false,
    contextEvaluator: ({ country }) => (country === 'NL' ? 'on' : 'off'),
  },
});

await OpenFeature.setProviderAndWait('ours', new SmooConfigProvider(client));
await OpenFeature.setProviderAndWait('in memory', inMemory);
const contexts = Array.from({ length: 1_024 }, (_, index) => ({
  targetingKey: `user-${index}`,
  country: index % 4 === 0 ? 'NL' : 'DE',
}));

/** Milliseconds of 10,000 evaluations. Throws if a result is wrong. */
async function measure(domain, key) {
  const features = OpenFeature.getClient(domain);
  let on = 0;
  const start = performance.now();
  for (let index = 0; index < EVALUATIONS; index++) {
    if (await features.getBooleanValue(key, false, contexts[index % contexts.length])) on += 1;
  }
  const elapsedMs = performance.now() - start;
  const expected = key === 'plain' ? EVALUATIONS : Math.ceil(EVALUATIONS / 4);
  if (on !== expected) throw new Error(`${domain}: ${on} of ${expected} evaluations of "${key}" are true.`);
  return elapsedMs;
}

for (const key of ['plain', 'targeted']) {
  const times = { ours: [], 'in memory': [] };
  // The first round warms up.
  for (let round = 0; round <= ROUNDS; round++) {
    for (const domain of Object.keys(times)) {
      const elapsedMs = await measure(domain, key);
      if (round > 0) times[domain].push(elapsedMs);
    }
  }
  const sorted = Object.fromEntries(
    Object.entries(times).map(([name, all]) => [name, all.sort((a, b) => a - b)]),
  );
  const ratio = (pick) => (pick(sorted.ours) / pick(sorted['in memory'])).toFixed(2);
  const median = (all) => all[Math.floor(all.length / 2)];
  for (const [name, all] of Object.entries(sorted)) {
    console.log(`${key}, ${name}: best ${all[0].toFixed(1)} ms, median ${median(all).toFixed(1)} ms`);
  }
  console.log(
    `${key}: ours takes ${ratio((all) => all[0])} × the time (best), ${ratio(median)} × (median)\n`,
  );
}
await OpenFeature.close();
await client.close();
