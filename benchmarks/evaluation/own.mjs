import { compile, compileSegments, defineConfig } from '../../packages/core/dist/index.js';
import { createConfigClient } from '../../packages/core/dist/server.js';
import { MANY_FLAGS, RAW_FLAGS, RULE_FLAGS, SHARE_PERCENT, USERS } from './workload.mjs';

const inList = (attribute, ...values) => ({ attribute, op: 'in', values });
const share = { variants: [{ value: true, weight: SHARE_PERCENT }] };
const storedRule = (country) => ({
  $cohort: { rules: [{ id: 'half', when: inList('country', country), rollout: share }], defaultValue: false },
});

/** The evaluation alone: a map of compiled flags, which return details. */
export function compiled() {
  warmUpOtherOperators();
  const raw = new Map(RAW_FLAGS.map(({ key, value }) => [key, compile(key, value)]));
  const rules = new Map(RULE_FLAGS.map(({ key, country }) => [key, compile(key, storedRule(country))]));
  const rule = (key, index) => rules.get(key)(USERS[index]);
  return {
    name: '@smooai/config compile()',
    isOwn: true,
    raw: (key, index) => raw.get(key)(USERS[index]),
    rule,
    details: rule,
    toValue: (answer) => (typeof answer === 'object' ? answer.value : answer),
  };
}

/** What applications call: the client, with the schema's check of each value. */
export async function client() {
  const flags = Object.fromEntries([
    ...RAW_FLAGS.map(({ key, value }) => [key, value]),
    ...RULE_FLAGS.map(({ key, country }) => [key, storedRule(country)]),
  ]);
  const started = await startClient(configOf(Object.keys(flags)), () => rulesetOf(flags));
  return {
    name: '@smooai/config client',
    isOwn: true,
    raw: (key, index) => started.flag(key, USERS[index]),
    rule: (key, index) => started.flag(key, USERS[index]),
    details: (key, index) => started.flagDetails(key, USERS[index]),
    toValue: (answer) => answer.value,
    close: () => started.close(),
  };
}

/** 10,000 flags with three rules each, as the config server sends them, for a client or for `compile()` alone. */
export function manyStored() {
  const flags = MANY_FLAGS.map(({ key, countries, plan, partCountry }) => {
    const rules = [
      { id: 'countries', when: inList('country', ...countries), value: true },
      { id: 'plan', when: inList('plan', plan), value: true },
      { id: 'part', when: inList('country', partCountry), rollout: share },
    ];
    return [key, { $cohort: { rules, defaultValue: false } }];
  });
  return JSON.stringify(rulesetOf(Object.fromEntries(flags)));
}

/** An application declares its keys once, before it connects; the peers have no schema. */
export function manyConfig() {
  return configOf(MANY_FLAGS.map(({ key }) => key));
}

export function loadClient(text, config) {
  return startClient(config, () => JSON.parse(text)).then((started) => ({
    owner: started,
    read: (key, user) => started.flag(key, user),
  }));
}

export function loadCompiled(text) {
  const flags = new Map();
  for (const [key, stored] of Object.entries(JSON.parse(text).flags)) flags.set(key, compile(key, stored));
  return { owner: flags, read: (key, user) => flags.get(key)(user).value };
}

function rulesetOf(flags) {
  return { revision: '1', environment: 'benchmark', public: {}, secret: {}, limits: {}, segments: {}, flags };
}

function configOf(keys) {
  const validate = (value = false) =>
    typeof value === 'boolean' ? { value } : { issues: [{ message: 'must be a boolean' }] };
  const boolean = { '~standard': { version: 1, vendor: 'benchmark', validate } };
  return defineConfig({ flags: Object.fromEntries(keys.map((key) => [key, boolean])) });
}

/** A client whose server is this process. */
function startClient(config, read) {
  const source = {
    start(sink) {
      sink.replace(read());
      sink.confirm();
      sink.status('memory');
      return Promise.resolve();
    },
    stop() {},
  };
  return createConfigClient({ config, source }).ready();
}

/** An application's flags use several operators. Without this the engine would see only one shape of code. */
function warmUpOtherOperators() {
  const segments = compileSegments({ pro: inList('plan', 'pro') });
  const conditions = [
    { segment: 'pro' },
    { not: { segment: 'pro' } },
    { attribute: 'plan', op: 'exists' },
    { attribute: 'userId', op: 'startsWith', values: ['user-1'], ignoreCase: true },
    { attribute: 'userId', op: 'matches', values: ['5$'] },
    inList('country', 'NL', 'BE', 'LU'),
    {
      any: [
        { attribute: 'age', op: 'gt', values: [18] },
        { attribute: 'app.version', op: 'semverGt', values: ['2'] },
      ],
    },
  ];
  for (const [index, when] of conditions.entries()) {
    const cohort = { rules: [{ id: 'r', when, value: 1 }], defaultValue: 0 };
    const run = compile(`warm${index}`, { $cohort: cohort }, segments);
    for (let round = 0; round < 20; round++) for (const user of USERS) run(user);
  }
}
