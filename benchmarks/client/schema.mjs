/** A validator that costs nothing, so that no validator is measured. */
const validator = (check) => ({
  '~standard': {
    version: 1,
    vendor: 'benchmark',
    validate: (value) => (check(value) ? { value } : { issues: [{ message: 'is something else' }] }),
    jsonSchema: { input: () => ({}), output: () => ({}) },
  },
});

export const number = validator((value) => typeof value === 'number');
export const text = validator((value) => typeof value === 'string');

/** `count` keys, the same number in each tier. */
export function keysOf(count) {
  const names = (prefix) => Array.from({ length: count / 4 }, (_, index) => `${prefix}${index}`);
  return { public: names('public'), secrets: names('secret'), flags: names('flag'), limits: names('limit') };
}

/** A ruleset with a different value for each key. */
export function rulesetOf(keys, revision) {
  const fill = (names, value) => Object.fromEntries(names.map((name, index) => [name, value(name, index)]));
  return {
    revision: String(revision),
    epoch: 'one',
    environment: 'development',
    public: fill(keys.public, (name) => `the value of ${name}`),
    secret: fill(keys.secrets, (name) => `the secret of ${name}`),
    flags: { sentAt: 0, ...fill(keys.flags, (_, index) => index) },
    limits: fill(keys.limits, (_, index) => index),
    segments: {},
  };
}

/** The schema that declares these keys. */
export function configOf(keys, { defineConfig, defineLimit }) {
  const all = (names, schema) => Object.fromEntries(names.map((name) => [name, schema]));
  return defineConfig({
    public: all(keys.public, text),
    secrets: all(keys.secrets, text),
    flags: { sentAt: number, ...all(keys.flags, number) },
    limits: all(keys.limits, defineLimit({ default: 0 })),
  });
}
