import { InMemoryProvider, OpenFeature } from '@openfeature/server-sdk';
import { bucketOf } from '../by-hand.mjs';
import { RAW_FLAGS, RULE_FLAGS, SHARE_PERCENT, USERS } from '../workload.mjs';

const base = { variants: { on: true, off: false }, disabled: false };

/** Its provider has no rules. It calls the function written by hand. */
export async function openFeature() {
  const flags = Object.fromEntries([
    ...RAW_FLAGS.map(({ key, value }) => [key, { ...base, defaultVariant: value ? 'on' : 'off' }]),
    ...RULE_FLAGS.map(({ key, country }) => {
      const isIn = (user) => user.country === country && bucketOf(key, user) < SHARE_PERCENT * 100;
      const contextEvaluator = (user) => (isIn(user) ? 'on' : 'off');
      return [key, { ...base, defaultVariant: 'off', contextEvaluator }];
    }),
  ]);
  await OpenFeature.setProviderAndWait(new InMemoryProvider(flags));
  const client = OpenFeature.getClient();
  return {
    name: 'OpenFeature in-memory (async)',
    isAsync: true,
    raw: (key, index) => client.getBooleanValue(key, false, USERS[index]),
    rule: (key, index) => client.getBooleanValue(key, false, USERS[index]),
    details: (key, index) => client.getBooleanDetails(key, false, USERS[index]),
    toValue: (details) => details.value,
    close: () => OpenFeature.close(),
  };
}
