import { type AddressInfo, createServer } from 'node:net';
import {
  AsyncLocalStorageTransactionContextPropagator,
  type Client,
  type EvaluationContext,
  type Hook,
  OpenFeature,
} from '@openfeature/server-sdk';
import type { AnyConfig } from '@smooai/config';
import { type ConfigClient, createConfigClient } from '@smooai/config/server';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { SmooConfigProvider } from './server.ts';
import { type RunningServer, startConfigServer } from './test-support/config-server.ts';
import { readScenarios } from './test-support/gherkin.ts';
import {
  type EvaluationRequest,
  type Harness,
  type ProviderKind,
  runScenario,
} from './test-support/gherkin-steps.ts';
import { specConfig, specOptions, specValues } from './test-support/spec-flags.ts';

const files = [
  'evaluation.feature',
  'evaluation_v2.feature',
  'hooks.feature',
  'metadata.feature',
  'contextMerging.feature',
];

let running: RunningServer;
let shared: ConfigClient<AnyConfig>;
/** Settings of a server that refuses connections. */
let unreachable: { apiUrl: string; authUrl: string };
beforeAll(async () => {
  running = await startConfigServer(specConfig, specValues());
  shared = await createConfigClient(running.clientOptions()).ready();
  const closed = createServer();
  await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(closed.address() as AddressInfo).port}`;
  await new Promise((resolve) => closed.close(resolve));
  unreachable = { apiUrl: url, authUrl: url };
  OpenFeature.setTransactionContextPropagator(new AsyncLocalStorageTransactionContextPropagator());
});
afterAll(async () => {
  await shared.close();
  await running.server.close();
});
afterEach(async () => {
  OpenFeature.clearHooks();
  OpenFeature.setContext({});
  await OpenFeature.clearProviders();
});

describe.each(files)('server SDK: %s', (file) => {
  // We have no disabled flags; see "Mapping" in the README.
  const scenarios = readScenarios(file).filter(({ tags }) => !tags.has('@reason-codes-disabled'));
  it.each(scenarios)('$name', async (scenario) => {
    await runScenario(scenario, createHarness(scenario.tags.has('@reason-codes-cached')));
  });
});

/** The server of the scenario with a stale provider. */
let lost: RunningServer | undefined;

/** A client that becomes what the scenario needs. */
async function clientFor(kind: ProviderKind | 'cached'): Promise<ConfigClient<AnyConfig>> {
  switch (kind) {
    case 'stable':
      return shared;
    case 'stale':
      lost = await startConfigServer(specConfig, specValues());
      return lost.createClient();
    case 'not ready':
      return running.createClient({ fetch: () => new Promise(() => undefined) });
    case 'error':
      return running.createClient(unreachable);
    case 'cached':
      return running.createClient({
        ...unreachable,
        fallback: 'cached',
        bundled: { defaults: { flags: specValues() } },
      });
    default:
      return running.createClient({ clientSecret: 'not the secret of this client' });
  }
}

async function loseServer(client: Client): Promise<void> {
  await lost?.server.close();
  await vi.waitFor(() => expect(client.providerStatus).toBe('STALE'), { timeout: 20_000 });
}

/** @param isCached - whether the stable provider starts without its server, from values that ship with the program. */
function createHarness(isCached: boolean): Harness {
  const client = OpenFeature.getClient();
  let transaction: EvaluationContext = {};
  let last: EvaluationContext = {};
  const recorder: Hook = {
    finally: ({ context }) => {
      last = context;
    },
  };
  return {
    async useProvider(kind) {
      const provider = new SmooConfigProvider(await clientFor(isCached ? 'cached' : kind), {
        ...specOptions,
        readyTimeoutMs: isCached || kind === 'error' ? 200 : 10_000,
      });
      const isSet = OpenFeature.setProviderAndWait(provider).catch(() => undefined);
      if (kind !== 'not ready') await isSet;
      if (kind === 'stale') await loseServer(client);
    },
    evaluate: (request) =>
      new Promise((resolve, reject) => {
        OpenFeature.setTransactionContext(transaction, () => {
          evaluate({ ...request, hooks: [...request.hooks, recorder] }).then(resolve, reject);
        });
      }),
    status: () => client.providerStatus,
    addClientHook: (hook) => void client.addHooks(hook),
    setContext(level, context) {
      if (level === 'API') OpenFeature.setContext(context);
      else if (level === 'Client') client.setContext(context);
      else transaction = context;
    },
    lastContext: () => last,
  };

  function evaluate({ type, key, defaultValue, context, hooks }: EvaluationRequest) {
    const options = { hooks };
    switch (type) {
      case 'boolean':
        return client.getBooleanDetails(key, defaultValue as boolean, context, options);
      case 'string':
        return client.getStringDetails(key, defaultValue as string, context, options);
      case 'object':
        return client.getObjectDetails(key, defaultValue as never, context, options);
      default:
        return client.getNumberDetails(key, defaultValue as number, context, options);
    }
  }
}
