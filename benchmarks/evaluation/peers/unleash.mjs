import { once } from 'node:events';
import { InMemStorageProvider, Unleash } from 'unleash-client';
import { MANY_FLAGS, RAW_FLAGS, RULE_FLAGS, SHARE_PERCENT, USERS } from '../workload.mjs';

const constraint = (contextName, ...values) => ({ contextName, operator: 'IN', values, inverted: false });
const everyone = { name: 'default', parameters: {}, constraints: [] };
const partly = (country) => ({
  name: 'flexibleRollout',
  parameters: { rollout: String(SHARE_PERCENT), stickiness: 'userId' },
  constraints: [constraint('country', country)],
});
const toContext = ({ userId, ...properties }) => ({ userId, properties });

export async function unleash() {
  const client = await start([
    ...RAW_FLAGS.map(({ key, value }) => ({ name: key, enabled: value, strategies: [everyone] })),
    ...RULE_FLAGS.map(({ key, country }) => ({ name: key, enabled: true, strategies: [partly(country)] })),
  ]);
  const contexts = USERS.map(toContext);
  return {
    name: 'Unleash',
    isPeer: true,
    raw: (key, index) => client.isEnabled(key, contexts[index]),
    rule: (key, index) => client.isEnabled(key, contexts[index]),
    close: () => client.destroy(),
  };
}

export function manyFeatures() {
  const features = MANY_FLAGS.map(({ key, countries, plan, partCountry }) => ({
    name: key,
    enabled: true,
    strategies: [
      { ...everyone, constraints: [constraint('country', ...countries)] },
      { ...everyone, constraints: [constraint('plan', plan)] },
      partly(partCountry),
    ],
  }));
  return JSON.stringify(features);
}

export async function load(text) {
  const client = await start(JSON.parse(text));
  return { owner: client, read: (key, user) => client.isEnabled(key, toContext(user)) };
}

/** Without an interval it sends no requests. */
async function start(data) {
  const client = new Unleash({
    appName: 'benchmark',
    url: 'http://127.0.0.1/',
    refreshInterval: 0,
    disableMetrics: true,
    skipInstanceCountWarning: true,
    storageProvider: new InMemStorageProvider(),
    bootstrap: { data },
    disableAutoStart: true,
  });
  await Promise.all([once(client, 'synchronized'), client.start()]);
  return client;
}
