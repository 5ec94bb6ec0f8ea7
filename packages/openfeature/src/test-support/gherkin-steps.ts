import type { EvaluationContext, EvaluationDetails, FlagValue, JsonValue } from '@openfeature/core';
import type { Hook } from '@openfeature/server-sdk';
import { expect } from 'vitest';
import type { Scenario, Step } from './gherkin.ts';

/** The states of a provider that the scenarios name. */
export type ProviderKind = 'stable' | 'not ready' | 'error' | 'fatal' | 'stale';

/** One evaluation through an SDK. */
export interface EvaluationRequest {
  type: string;
  key: string;
  defaultValue: FlagValue;
  context: EvaluationContext;
  hooks: Hook[];
}

/** An SDK with our provider. */
export interface Harness {
  useProvider(kind: ProviderKind): Promise<void>;
  evaluate(request: EvaluationRequest): Promise<EvaluationDetails<FlagValue>>;
  status(): string;
  addClientHook(hook: Hook): void;
  /** Sets the context of a level other than `Invocation` and `Before Hooks`. */
  setContext(level: string, context: EvaluationContext): Promise<void> | void;
  /** The context that the provider got in the last evaluation. */
  lastContext(): EvaluationContext;
}

/** The state of a running scenario. */
class World {
  readonly harness: Harness;
  type = 'string';
  key = 'string-flag';
  defaultValue: FlagValue = '';
  context: EvaluationContext = {};
  hooks: Hook[] = [];
  details: EvaluationDetails<FlagValue> = { flagKey: '', value: '', flagMetadata: {} };
  contexts: Record<string, EvaluationContext> = {};
  precedence: string[] = [];
  calls: { hook: string; details: unknown }[] = [];

  constructor(harness: Harness) {
    this.harness = harness;
  }

  async evaluate(): Promise<void> {
    const { type, key, defaultValue, context, hooks } = this;
    this.details = await this.harness.evaluate({ type, key, defaultValue, context, hooks });
  }

  select(type: string, key: string, fallback: string): void {
    this.type = type.toLowerCase();
    this.key = key;
    this.defaultValue = toValue(this.type, fallback);
  }

  /** A hook that notes its calls under a name. */
  notingHook(prefix = ''): Hook {
    const note = (hook: string, details?: unknown): void =>
      void this.calls.push({ hook: prefix + hook, details });
    return {
      before: () => note('before'),
      after: (_, details) => note('after', details),
      error: () => note('error'),
      finally: (_, details) => note('finally', details),
    };
  }

  callsOf(hook: string): unknown[] {
    return this.calls.filter((call) => call.hook === hook).map(({ details }) => details);
  }

  async setContext(level: string, context: EvaluationContext): Promise<void> {
    const merged = { ...this.contexts[level], ...context };
    this.contexts[level] = merged;
    if (level === 'Invocation') this.context = merged;
    else if (level === 'Before Hooks') this.hooks = [{ before: () => merged }];
    else await this.harness.setContext(level, merged);
  }
}

/** Runs a scenario through an SDK. Throws for a step without a definition. */
export async function runScenario({ steps }: Scenario, harness: Harness): Promise<void> {
  const world = new World(harness);
  for (const step of steps) await runStep(step, world);
}

async function runStep({ text, table }: Step, world: World): Promise<void> {
  for (const [pattern, run] of STEPS) {
    const match = pattern.exec(text);
    if (match === null) continue;
    await run(world, match.slice(1), table);
    return;
  }
  throw new Error(`The step "${text}" has no definition.`);
}

function toValue(type: string, text: string): FlagValue {
  const plain = text.replaceAll('\\"', '"');
  if (type === 'boolean') return plain === 'true';
  if (type === 'string') return plain;
  if (type === 'object') return JSON.parse(plain) as JsonValue;
  return Number(plain);
}

function expectTemplate(world: World, title: string, images: string): void {
  expect(world.details.value).toEqual({ showImages: true, title, imagesPerPage: Number(images) });
}

type Definition = readonly [
  pattern: RegExp,
  run: (world: World, captures: string[], table: string[][]) => Promise<void> | void,
];

const PROVIDERS: readonly Definition[] = [
  [
    /^an? (stable|not ready|error|fatal|stale) provider$/,
    (world, [kind]) => world.harness.useProvider(kind as ProviderKind),
  ],
  [
    /^a stable provider with retrievable context is registered$/,
    (world) => world.harness.useProvider('stable'),
  ],
  [
    /^the provider status should be "(.*)"$/,
    (world, [status]) => expect(world.harness.status()).toBe(status),
  ],
];

const EVALUATIONS: readonly Definition[] = [
  [
    /^an? (\w+)-flag with key "(.*)" and a fallback value "(.*)"$/,
    (world, [type = '', key = '', fallback = '']) => world.select(type, key, fallback),
  ],
  [
    /^a context containing a key "(.*)", with type "(.*)" and with value "(.*)"$/,
    (world, [name = '', type = '', value = '']) => {
      world.context = { ...world.context, [name]: toValue(type.toLowerCase(), value) };
    },
  ],
  [
    /^a context containing a key "(.*)" with null value$/,
    (world, [name = '']) => {
      world.context = { ...world.context, [name]: null };
    },
  ],
  [
    /^an evaluation context with modifiable data$/,
    (world) => {
      world.context = { email: 'ballmer@none.com', tags: ['one'] };
    },
  ],
  [/^the flag was evaluated with details(?: asynchronously)?$/, (world) => world.evaluate()],
  [
    /^the evaluation should complete without blocking$/,
    (world) => expect(world.details.flagKey).toBe(world.key),
  ],
  [
    /^the resolved details value should be "(.*)"$/,
    (world, [value = '']) => expect(world.details.value).toEqual(toValue(world.type, value)),
  ],
  [/^the reason should be "(.*)"$/, (world, [reason]) => expect(world.details.reason).toBe(reason)],
  [/^the error-code should be "(.*)"$/, (world, [code]) => expect(world.details.errorCode).toBe(code)],
  [/^the flag key should be "(.*)"$/, (world, [key]) => expect(world.details.flagKey).toBe(key)],
  [/^the variant should be "([^"]*)"$/, (world, [variant]) => expect(world.details.variant).toBe(variant)],
  [
    /^the resolved metadata should contain$/,
    (world, _, [, ...rows]) => {
      const expected = rows.map(([name = '', type = '', value = '']) => [
        name,
        toValue(type.toLowerCase(), value),
      ]);
      expect(world.details.flagMetadata).toMatchObject(Object.fromEntries(expected));
    },
  ],
  [/^the resolved metadata is empty$/, (world) => expect(world.details.flagMetadata).toEqual({})],
  [
    /^the original evaluation context should remain unmodified$/,
    (world) => expect(world.context).toEqual({ email: 'ballmer@none.com', tags: ['one'] }),
  ],
  [
    /^the evaluation details should be immutable$/,
    (world) => expect(Object.isFrozen(world.details.flagMetadata)).toBe(true),
  ],
];

const HOOKS: readonly Definition[] = [
  [/^a client with added hook$/, (world) => world.harness.addClientHook(world.notingHook())],
  [
    /^the "(\w+)" hook should have been executed$/,
    (world, [hook = '']) => expect(world.callsOf(hook)).toHaveLength(1),
  ],
  [
    /^the "(.*)" hooks should be called with evaluation details$/,
    (world, [hooks = ''], [, ...rows]) => {
      for (const hook of hooks.split(', ')) {
        const [details] = world.callsOf(hook) as Record<string, unknown>[];
        for (const [type = '', key = '', value = ''] of rows) {
          const name = key.replace(/_(\w)/, (__, letter: string) => letter.toUpperCase());
          expect(details?.[name]).toEqual(value === 'null' ? undefined : toValue(type, value));
        }
      }
    },
  ],
  [
    /^evaluation options containing specific hooks$/,
    (world) => {
      world.hooks = [world.notingHook('first '), world.notingHook('second ')];
    },
  ],
  [/^the flag was evaluated with details using the evaluation options$/, (world) => world.evaluate()],
  [/^the specified hooks should execute during evaluation$/, (world) => expect(world.calls).toHaveLength(6)],
  [
    /^the hook order should be maintained$/,
    (world) => {
      const order = [
        'first before',
        'second before',
        'second after',
        'first after',
        'second finally',
        'first finally',
      ];
      expect(world.calls.map(({ hook }) => hook)).toEqual(order);
    },
  ],
];

const CONTEXTS: readonly Definition[] = [
  [
    /^A context entry with key "(.*)" and value "(.*)" is added to the "(.*)" level$/,
    (world, [key = '', value = '', level = '']) => world.setContext(level, { [key]: value }),
  ],
  [
    /^A table with levels of increasing precedence$/,
    (world, _, table) => {
      world.precedence = table.map(([level = '']) => level);
    },
  ],
  [
    /^Context entries for each level from API level down to the "(.*)" level, with key "(.*)" and value "(.*)"$/,
    async (world, [last = '', key = '']) => {
      for (const level of world.precedence.slice(0, world.precedence.indexOf(last) + 1)) {
        await world.setContext(level, { [key]: level });
      }
    },
  ],
  [/^Some flag was evaluated$/, (world) => world.evaluate()],
  [
    /^The merged context contains an entry with key "(.*)" and value "(.*)"$/,
    (world, [key = '', value]) => expect(world.harness.lastContext()[key]).toBe(value),
  ],
];

/** Of `evaluation.feature`, which is older than the other features and says the same in other words. */
const DEPRECATED: readonly Definition[] = [
  [
    /^an? (\w+) flag with key "(.*)" is evaluated with (?:details and )?(?:default value|a null default value) ?"?([^"]*)"?$/,
    (world, [type = '', key = '', fallback = '']) => {
      world.select(type, key, type === 'object' ? '{}' : fallback);
      return world.evaluate();
    },
  ],
  [
    /^an object flag with key "(.*)" is evaluated with details and a null default value$/,
    (world, [key = '']) => {
      world.select('object', key, '{}');
      return world.evaluate();
    },
  ],
  [
    /^the resolved \w+ (?:details )?value should be "?([^",]*)"?$/,
    (world, [value = '']) => expect(world.details.value).toEqual(toValue(world.type, value)),
  ],
  [
    /^the resolved \w+ details value should be "?([^",]*)"?, the variant should be "(.*)", and the reason should be "(.*)"$/,
    (world, [value = '', variant, reason]) => {
      expect(world.details).toMatchObject({ value: toValue(world.type, value), variant, reason });
    },
  ],
  [
    /^the resolved object (?:details )?value should be contain fields .* with values "true", "(.*)" and (\d+), respectively$/,
    (world, [title = '', images = '']) => expectTemplate(world, title, images),
  ],
  [
    /^the variant should be "(.*)", and the reason should be "(.*)"$/,
    (world, [variant, reason]) => expect(world.details).toMatchObject({ variant, reason }),
  ],
  [
    /^context contains keys "(.*)", "(.*)", "(.*)", "(.*)" with values "(.*)", "(.*)", (\d+), "(.*)"$/,
    (world, [fn = '', ln = '', age = '', customer = '', ...values]) => {
      const [first = '', last = '', years, isCustomer] = values;
      world.context = { [fn]: first, [ln]: last, [age]: Number(years), [customer]: isCustomer === 'true' };
    },
  ],
  [
    /^a flag with key "(.*)" is evaluated with default value "(.*)"$/,
    (world, [key = '', fallback = '']) => {
      world.select('string', key, fallback);
      return world.evaluate();
    },
  ],
  [
    /^the resolved string response should be "(.*)"$/,
    (world, [value]) => expect(world.details.value).toBe(value),
  ],
  [
    /^the resolved flag value is "(.*)" when the context is empty$/,
    async (world, [value]) => {
      world.context = {};
      await world.evaluate();
      expect(world.details.value).toBe(value);
    },
  ],
  [
    /^a (?:non-existent )?string flag with key "(.*)" is evaluated (as an integer, )?with details and a fallback value "?([^"]*)"?$/,
    (world, [key = '', asInteger, fallback = '']) => {
      world.select(asInteger === undefined ? 'string' : 'integer', key, fallback);
      return world.evaluate();
    },
  ],
  [
    /^the default \w+ value should be returned$/,
    (world) => expect(world.details.value).toBe(world.defaultValue),
  ],
  [
    /^the reason should indicate an error and the error code should indicate .* with "(.*)"$/,
    (world, [errorCode]) => {
      expect(world.details).toMatchObject({ reason: 'ERROR', errorCode });
    },
  ],
];

const STEPS: readonly Definition[] = [...PROVIDERS, ...EVALUATIONS, ...HOOKS, ...CONTEXTS, ...DEPRECATED];
