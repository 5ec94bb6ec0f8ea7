import { GrowthBookClient } from '@growthbook/growthbook';
import { init } from '@launchdarkly/node-server-sdk';
import { TestData } from '@launchdarkly/node-server-sdk/integrations';
import { InMemoryProvider, OpenFeature } from '@openfeature/server-sdk';
import { compile, compileSegments } from '../../packages/core/dist/index.js';
import { createTestClient } from '../../packages/core/dist/testing.js';
import { RAW_FLAGS, RULE_FLAGS, SHARE_PERCENT, USERS } from './workload.mjs';

/*
 * A candidate: { name, raw(key, index), rule(key, index), close? }. `index` is that of a user; contexts in the
 * candidate's own form are made beforehand. A candidate that answers with a promise is awaited, as its users must.
 */

/** The floor: what one would write by hand for exactly these flags, without a library. */
export function byHand() {
  const raw = new Map(RAW_FLAGS.map(({ key, value }) => [key, value]));
  const rules = new Map(
    RULE_FLAGS.map(({ key, country }) => [
      key,
      (user) => user.country === country && handHash(`${key}:${user.userId}`) % 10_000 < SHARE_PERCENT * 100,
    ]),
  );
  return {
    name: 'by hand',
    raw: (key) => raw.get(key),
    rule: (key, index) => rules.get(key)(USERS[index]),
  };
}

/** The same logic by hand that, as every SDK's details, also says how it came to its answer. */
export function byHandWithDetails() {
  const raw = new Map(RAW_FLAGS.map(({ key, value }) => [key, value]));
  const rules = new Map(
    RULE_FLAGS.map(({ key, country }) => [
      key,
      (user) => {
        if (user.country !== country) return { value: false, source: 'default' };
        const bucket = handHash(`${key}:${user.userId}`) % 10_000;
        const isIn = bucket < SHARE_PERCENT * 100;
        const source = isIn ? 'rollout' : 'default';
        return { value: isIn, source, matchedRuleId: 'half', rolloutBucket: Math.floor(bucket / 100) };
      },
    ]),
  );
  return {
    name: 'by hand, with details',
    raw: (key) => ({ value: raw.get(key), source: 'raw' }),
    rule: (key, index) => rules.get(key)(USERS[index]),
    toValue: (answer) => answer.value,
  };
}

const storedRule = (country) => ({
  $cohort: {
    rules: [
      {
        id: 'half',
        when: { attribute: 'country', op: 'in', values: [country] },
        rollout: { variants: [{ value: true, weight: SHARE_PERCENT }] },
      },
    ],
    defaultValue: false,
  },
});

/** The evaluation alone: a map of compiled flags, answers with details. */
export function coreCompiled() {
  warmUpOtherOperators();
  const raw = new Map(RAW_FLAGS.map(({ key, value }) => [key, compile(key, value)]));
  const rules = new Map(RULE_FLAGS.map(({ key, country }) => [key, compile(key, storedRule(country))]));
  return {
    name: '@smooai/config compile()',
    raw: (key, index) => raw.get(key)(USERS[index]),
    rule: (key, index) => rules.get(key)(USERS[index]),
    toValue: (answer) => answer.value,
  };
}

/** What applications call: the client, with the schema's check of each value. */
export function coreClient() {
  const boolean = {
    '~standard': {
      version: 1,
      vendor: 'benchmark',
      validate: (value) =>
        typeof value === 'boolean' ? { value } : { issues: [{ message: 'is no boolean' }] },
    },
  };
  const keys = [...RAW_FLAGS, ...RULE_FLAGS].map(({ key }) => key);
  const flags = Object.fromEntries([
    ...RAW_FLAGS.map(({ key, value }) => [key, value]),
    ...RULE_FLAGS.map(({ key, country }) => [key, storedRule(country)]),
  ]);
  const options = {
    public: {},
    secrets: {},
    limits: {},
    flags: Object.fromEntries(keys.map((key) => [key, boolean])),
  };
  const config = { ...options, keys: new Map(keys.map((key) => [key, definition(key, boolean)])) };
  const client = createTestClient({ config, flags });
  return {
    name: '@smooai/config client.flag()',
    raw: (key, index) => client.flag(key, USERS[index]),
    rule: (key, index) => client.flag(key, USERS[index]),
    close: () => client.close(),
  };
}

function definition(key, validator) {
  return { key, tier: 'feature_flag', environmentVariable: key.toUpperCase(), validator };
}

/** An application's flags use more than one operator; without this the engine would see one shape of code only. */
function warmUpOtherOperators() {
  const segments = compileSegments({ pro: { attribute: 'plan', op: 'in', values: ['pro'] } });
  const conditions = [
    { segment: 'pro' },
    { not: { segment: 'pro' } },
    { attribute: 'plan', op: 'exists' },
    { attribute: 'userId', op: 'startsWith', values: ['user-1'], ignoreCase: true },
    { attribute: 'userId', op: 'matches', values: ['5$'] },
    { attribute: 'country', op: 'in', values: ['NL', 'BE', 'LU'] },
    {
      any: [
        { attribute: 'age', op: 'gt', values: [18] },
        { attribute: 'app.version', op: 'semverGt', values: ['2'] },
      ],
    },
  ];
  for (const [index, when] of conditions.entries()) {
    const run = compile(
      `warm${index}`,
      { $cohort: { rules: [{ id: 'r', when, value: 1 }], defaultValue: 0 } },
      segments,
    );
    for (let round = 0; round < 20; round++) for (const user of USERS) run(user);
  }
}

export function growthBook() {
  const features = Object.fromEntries([
    ...RAW_FLAGS.map(({ key, value }) => [key, { defaultValue: value }]),
    ...RULE_FLAGS.map(({ key, country }) => [
      key,
      {
        defaultValue: false,
        rules: [
          { condition: { country }, force: true, coverage: SHARE_PERCENT / 100, hashAttribute: 'userId' },
        ],
      },
    ]),
  ]);
  const client = new GrowthBookClient().initSync({ payload: { features } });
  const contexts = USERS.map((attributes) => ({ attributes }));
  return {
    name: 'GrowthBook',
    raw: (key, index) => client.isOn(key, contexts[index]),
    rule: (key, index) => client.isOn(key, contexts[index]),
    close: () => client.destroy(),
  };
}

export async function launchDarkly() {
  const data = new TestData();
  const base = { version: 1, on: true, variations: [true, false], offVariation: 1, salt: 'salt' };
  for (const { key, value } of RAW_FLAGS) {
    await data.usePreconfiguredFlag({ ...base, key, fallthrough: { variation: value ? 0 : 1 } });
  }
  for (const { key, country } of RULE_FLAGS) {
    const clauses = [
      { contextKind: 'user', attribute: 'country', op: 'in', values: [country], negate: false },
    ];
    const variations = [
      { variation: 0, weight: SHARE_PERCENT * 1_000 },
      { variation: 1, weight: (100 - SHARE_PERCENT) * 1_000 },
    ];
    const rules = [{ id: 'half', clauses, rollout: { contextKind: 'user', variations } }];
    await data.usePreconfiguredFlag({ ...base, key, fallthrough: { variation: 1 }, rules });
  }
  const silent = { debug() {}, info() {}, warn() {}, error() {} };
  const client = init('sdk-key', {
    updateProcessor: data.getFactory(),
    sendEvents: false,
    diagnosticOptOut: true,
    logger: silent,
  });
  await client.waitForInitialization({ timeout: 5 });
  const contexts = USERS.map(({ userId, ...attributes }) => ({ kind: 'user', key: userId, ...attributes }));
  return {
    name: 'LaunchDarkly (async)',
    isAsync: true,
    raw: (key, index) => client.variation(key, contexts[index], false),
    rule: (key, index) => client.variation(key, contexts[index], false),
    close: () => client.close(),
  };
}

/** Its provider has no rules of its own: the rule is the function written by hand, called by the provider. */
export async function openFeature() {
  const variants = { on: true, off: false };
  const flags = Object.fromEntries([
    ...RAW_FLAGS.map(({ key, value }) => [
      key,
      { variants, defaultVariant: value ? 'on' : 'off', disabled: false },
    ]),
    ...RULE_FLAGS.map(({ key, country }) => [
      key,
      {
        variants,
        defaultVariant: 'off',
        disabled: false,
        contextEvaluator: (user) =>
          user.country === country && handHash(`${key}:${user.userId}`) % 10_000 < SHARE_PERCENT * 100
            ? 'on'
            : 'off',
      },
    ]),
  ]);
  await OpenFeature.setProviderAndWait(new InMemoryProvider(flags));
  const client = OpenFeature.getClient();
  return {
    name: 'OpenFeature in-memory (async)',
    isAsync: true,
    raw: (key, index) => client.getBooleanValue(key, false, USERS[index]),
    rule: (key, index) => client.getBooleanValue(key, false, USERS[index]),
    close: () => OpenFeature.close(),
  };
}

/** murmur3_x86_32 of an ASCII text with seed 0, the usual way: a block of four characters a turn. */
function handHash(text) {
  const whole = text.length & ~3;
  let hash = 0;
  for (let index = 0; index < whole; index += 4) {
    const block =
      text.charCodeAt(index) |
      (text.charCodeAt(index + 1) << 8) |
      (text.charCodeAt(index + 2) << 16) |
      (text.charCodeAt(index + 3) << 24);
    hash ^= scramble(block);
    hash = (Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64) | 0;
  }
  let tail = 0;
  for (let index = text.length - 1; index >= whole; index--) tail = (tail << 8) | text.charCodeAt(index);
  hash ^= scramble(tail) ^ text.length;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

function scramble(block) {
  const product = Math.imul(block, 0xcc9e2d51);
  return Math.imul((product << 15) | (product >>> 17), 0x1b873593);
}
