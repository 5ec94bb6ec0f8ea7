import type { EvaluationContext } from '@openfeature/core';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { type RunningServer, startConfigServer } from './config-server.ts';
import { readScenarios, type Scenario } from './gherkin.ts';
import { type EvaluationRequest, type Harness, runScenario } from './gherkin-steps.ts';
import { specConfig, specValues } from './spec-flags.ts';

const FILES = [
  'evaluation.feature',
  'evaluation_v2.feature',
  'hooks.feature',
  'metadata.feature',
  'contextMerging.feature',
];

/** An SDK with our provider, for the scenarios of the specification. */
export interface GherkinSuite {
  sdk: string;
  /** Whether the SDK and the provider have what the scenario is about. */
  includes: (scenario: Scenario) => boolean;
  createHarness: (scenario: Scenario) => Harness;
}

/** Defines a test for each scenario. */
export function defineScenarios({ sdk, includes, createHarness }: GherkinSuite): void {
  describe.each(FILES)(`${sdk}: %s`, (file) => {
    it.each(readScenarios(file).filter(includes))('$name', (scenario) =>
      runScenario(scenario, createHarness(scenario)),
    );
  });
}

/** A config server with the flags of the specification. The caller closes it. */
export function startSpecServer(): Promise<RunningServer> {
  return startConfigServer(specConfig, specValues());
}

/** One such server for all tests of a file. */
export function useSpecServer(): { readonly current: RunningServer } {
  const shared: { current: RunningServer } = { current: undefined as unknown as RunningServer };
  beforeAll(async () => {
    shared.current = await startSpecServer();
  });
  afterAll(() => shared.current.server.close());
  return shared;
}

/** A hook that notes the context of each evaluation. */
export class ContextRecorder {
  last: EvaluationContext = {};

  finally({ context }: { context: EvaluationContext }): void {
    this.last = context;
  }
}

const METHODS: Readonly<Record<string, string>> = {
  boolean: 'getBooleanDetails',
  string: 'getStringDetails',
  object: 'getObjectDetails',
};

/** Evaluates with the method of an SDK's client for the type of the flag. `rest` follows its key and default. */
export function evaluateWith<Result>(
  client: object,
  { type, key, defaultValue }: Pick<EvaluationRequest, 'type' | 'key' | 'defaultValue'>,
  ...rest: readonly unknown[]
): Result {
  const methods = client as Record<string, (...args: readonly unknown[]) => Result>;
  const evaluate = methods[METHODS[type] ?? 'getNumberDetails'];
  if (evaluate === undefined) throw new Error(`The client has no method for the type "${type}".`);
  return evaluate.call(client, key, defaultValue, ...rest);
}
