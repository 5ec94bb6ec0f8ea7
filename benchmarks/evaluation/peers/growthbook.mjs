import { GrowthBookClient } from '@growthbook/growthbook';
import { MANY_FLAGS, RAW_FLAGS, RULE_FLAGS, SHARE_PERCENT, USERS } from '../workload.mjs';

const partly = (country) => ({
  condition: { country },
  force: true,
  coverage: SHARE_PERCENT / 100,
  hashAttribute: 'userId',
});

export function growthBook() {
  const features = Object.fromEntries([
    ...RAW_FLAGS.map(({ key, value }) => [key, { defaultValue: value }]),
    ...RULE_FLAGS.map(({ key, country }) => [key, { defaultValue: false, rules: [partly(country)] }]),
  ]);
  const client = new GrowthBookClient().initSync({ payload: { features } });
  const contexts = USERS.map((attributes) => ({ attributes }));
  return {
    name: 'GrowthBook',
    isPeer: true,
    raw: (key, index) => client.isOn(key, contexts[index]),
    rule: (key, index) => client.isOn(key, contexts[index]),
    details: (key, index) => client.evalFeature(key, contexts[index]),
    toValue: (result) => result.value,
    close: () => client.destroy(),
  };
}

export function manyFeatures() {
  const features = MANY_FLAGS.map(({ key, countries, plan, partCountry }) => {
    const rules = [
      { condition: { country: { $in: countries } }, force: true },
      { condition: { plan }, force: true },
      partly(partCountry),
    ];
    return [key, { defaultValue: false, rules }];
  });
  return JSON.stringify({ features: Object.fromEntries(features) });
}

export function load(text) {
  const client = new GrowthBookClient().initSync({ payload: JSON.parse(text) });
  return { owner: client, read: (key, attributes) => client.isOn(key, { attributes }) };
}
