import { init } from '@launchdarkly/node-server-sdk';
import { TestData } from '@launchdarkly/node-server-sdk/integrations';
import { MANY_FLAGS, RAW_FLAGS, RULE_FLAGS, SHARE_PERCENT, USERS } from '../workload.mjs';

const base = { version: 1, on: true, variations: [true, false], offVariation: 1, salt: 'salt' };
const clauses = (attribute, ...values) => [
  { contextKind: 'user', attribute, op: 'in', values, negate: false },
];
const partly = (country) => ({
  id: 'half',
  clauses: clauses('country', country),
  rollout: {
    contextKind: 'user',
    variations: [
      { variation: 0, weight: SHARE_PERCENT * 1_000 },
      { variation: 1, weight: (100 - SHARE_PERCENT) * 1_000 },
    ],
  },
});
const toContext = ({ userId, ...attributes }) => ({ kind: 'user', key: userId, ...attributes });

export async function launchDarkly() {
  const client = await start([
    ...RAW_FLAGS.map(({ key, value }) => ({ ...base, key, fallthrough: { variation: value ? 0 : 1 } })),
    ...RULE_FLAGS.map(({ key, country }) => ({
      ...base,
      key,
      fallthrough: { variation: 1 },
      rules: [partly(country)],
    })),
  ]);
  const contexts = USERS.map(toContext);
  return {
    name: 'LaunchDarkly (async)',
    isPeer: true,
    isAsync: true,
    raw: (key, index) => client.variation(key, contexts[index], false),
    rule: (key, index) => client.variation(key, contexts[index], false),
    details: (key, index) => client.variationDetail(key, contexts[index], false),
    toValue: (detail) => detail.value,
    close: () => client.close(),
  };
}

export function manyFlags() {
  const flags = MANY_FLAGS.map(({ key, countries, plan, partCountry }) => ({
    ...base,
    key,
    fallthrough: { variation: 1 },
    rules: [
      { id: 'countries', clauses: clauses('country', ...countries), variation: 0 },
      { id: 'plan', clauses: clauses('plan', plan), variation: 0 },
      partly(partCountry),
    ],
  }));
  return JSON.stringify(flags);
}

export async function load(text) {
  const client = await start(JSON.parse(text));
  return { owner: client, read: (key, user) => client.variation(key, toContext(user), false) };
}

async function start(flags) {
  const data = new TestData();
  for (const flag of flags) await data.usePreconfiguredFlag(flag);
  const client = init('sdk-key', {
    updateProcessor: data.getFactory(),
    sendEvents: false,
    diagnosticOptOut: true,
    logger: { debug() {}, info() {}, warn() {}, error() {} },
  });
  await client.waitForInitialization({ timeout: 5 });
  return client;
}
