import { type AddressInfo, createServer } from 'node:net';
import {
  AsyncLocalStorageTransactionContextPropagator,
  type Client,
  type EvaluationContext,
  type EvaluationDetails,
  type FlagValue,
  OpenFeature,
} from '@openfeature/server-sdk';
import type { AnyConfig } from '@smooai/config';
import { type ConfigClient, createConfigClient } from '@smooai/config/server';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import { SmooConfigProvider } from './server.ts';
import type { RunningServer } from './test-support/config-server.ts';
import type { Harness, ProviderKind } from './test-support/gherkin-steps.ts';
import {
  ContextRecorder,
  defineScenarios,
  evaluateWith,
  startSpecServer,
  useSpecServer,
} from './test-support/gherkin-suite.ts';
import { specOptions, specValues } from './test-support/spec-flags.ts';

const running = useSpecServer();
let shared: ConfigClient<AnyConfig>;
/** Settings of a server that refuses connections. */
let unreachable: { apiUrl: string; authUrl: string };
beforeAll(async () => {
  shared = await createConfigClient(running.current.clientOptions()).ready();
  const closed = createServer();
  await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(closed.address() as AddressInfo).port}`;
  await new Promise((resolve) => closed.close(resolve));
  unreachable = { apiUrl: url, authUrl: url };
  OpenFeature.setTransactionContextPropagator(new AsyncLocalStorageTransactionContextPropagator());
});
afterAll(() => shared.close());
afterEach(async () => {
  OpenFeature.clearHooks();
  OpenFeature.setContext({});
  await OpenFeature.clearProviders();
});

defineScenarios({
  sdk: 'server SDK',
  // We have no disabled flags; see "Mapping" in the README.
  includes: ({ tags }) => !tags.has('@reason-codes-disabled'),
  createHarness: ({ tags }) => createHarness(tags.has('@reason-codes-cached')),
});

/** The server of the scenario with a stale provider. */
let lost: RunningServer | undefined;

/** A client that becomes what the scenario needs. */
async function clientFor(kind: ProviderKind | 'cached'): Promise<ConfigClient<AnyConfig>> {
  switch (kind) {
    case 'stable':
      return shared;
    case 'stale':
      lost = await startSpecServer();
      return lost.createClient();
    case 'not ready':
      return running.current.createClient({ fetch: () => new Promise(() => undefined) });
    case 'error':
      return running.current.createClient(unreachable);
    case 'cached':
      return running.current.createClient({
        ...unreachable,
        fallback: 'cached',
        bundled: { defaults: { flags: specValues() } },
      });
    default:
      return running.current.createClient({ clientSecret: 'not the secret of this client' });
  }
}

async function loseServer(client: Client): Promise<void> {
  await lost?.server.close();
  await expect.poll(() => client.providerStatus).toBe('STALE');
}

/** @param isCached - whether the stable provider starts without its server, from values that ship with the program. */
function createHarness(isCached: boolean): Harness {
  const client = OpenFeature.getClient();
  const recorder = new ContextRecorder();
  let transaction: EvaluationContext = {};
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
    evaluate: ({ context, hooks, ...request }) =>
      new Promise((resolve, reject) => {
        OpenFeature.setTransactionContext(transaction, () => {
          const options = { hooks: [...hooks, recorder] };
          const evaluation = evaluateWith<Promise<EvaluationDetails<FlagValue>>>(
            client,
            request,
            context,
            options,
          );
          evaluation.then(resolve, reject);
        });
      }),
    status: () => client.providerStatus,
    addClientHook: (hook) => void client.addHooks(hook),
    setContext(level, context) {
      if (level === 'API') OpenFeature.setContext(context);
      else if (level === 'Client') client.setContext(context);
      else transaction = context;
    },
    lastContext: () => recorder.last,
  };
}
