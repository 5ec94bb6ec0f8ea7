import { type Hook, OpenFeature } from '@openfeature/web-sdk';
import { createSnapshotSource, type SnapshotSource } from '@smooai/config/browser';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { type RunningServer, startConfigServer } from './test-support/config-server.ts';
import { readScenarios, type Scenario } from './test-support/gherkin.ts';
import {
  type EvaluationRequest,
  type Harness,
  type ProviderKind,
  runScenario,
} from './test-support/gherkin-steps.ts';
import { fetchAsPage, PAGE_ORIGIN } from './test-support/page.ts';
import { specConfig, specOptions, specValues } from './test-support/spec-flags.ts';
import { SmooConfigWebProvider } from './web.ts';

const files = [
  'evaluation.feature',
  'evaluation_v2.feature',
  'hooks.feature',
  'metadata.feature',
  'contextMerging.feature',
];

let running: RunningServer;
let publishableKey: string;
beforeAll(async () => {
  vi.stubGlobal('fetch', fetchAsPage);
  running = await startConfigServer(specConfig, specValues());
  publishableKey = await running.publishableKey(PAGE_ORIGIN);
});
afterAll(async () => {
  await running.server.close();
  vi.unstubAllGlobals();
});
afterEach(async () => {
  OpenFeature.clearHooks();
  await OpenFeature.clearProviders();
  await OpenFeature.clearContexts();
});

/** The web SDK has no contexts of transactions. We have no disabled flags, and the provider keeps no copy for later. */
const NOT_FOR_WEB = ['@transaction', '@reason-codes-disabled', '@reason-codes-cached'];

function isForWeb({ tags, steps }: Scenario): boolean {
  // The web SDK has one context for the page.
  const isOther = steps.some(({ text }) => /"(?:Client|Invocation|Before Hooks|Transaction)"/.test(text));
  return !isOther && !NOT_FOR_WEB.some((tag) => tags.has(tag));
}

describe.each(files)('web SDK: %s', (file) => {
  it.each(readScenarios(file).filter(isForWeb))('$name', (scenario) =>
    runScenario(scenario, createHarness()),
  );
});

async function sourceFor(kind: ProviderKind): Promise<{ source: SnapshotSource; server: RunningServer }> {
  const server = kind === 'stale' ? await startConfigServer(specConfig, specValues()) : running;
  const { apiUrl = '', organizationId = '', environment = '' } = server.clientOptions();
  const key = kind === 'stale' ? await server.publishableKey(PAGE_ORIGIN) : publishableKey;
  const settings = {
    apiUrl,
    organizationId,
    environment,
    publishableKey: kind === 'fatal' ? 'pk_wrong' : key,
  };
  return { source: createSnapshotSource(settings), server };
}

function createHarness(): Harness {
  const client = OpenFeature.getClient();
  let last = {};
  let invocation = {};
  const recorder: Hook = {
    finally: ({ context }) => {
      last = context;
    },
  };
  return {
    async useProvider(kind) {
      const { source, server } = await sourceFor(kind);
      // No response arrives within one tick.
      const readyTimeoutMs = kind === 'error' ? 0 : 10_000;
      const provider = new SmooConfigWebProvider({ ...specOptions, source, readyTimeoutMs });
      const isSet = OpenFeature.setProviderAndWait(provider).catch(() => undefined);
      if (kind !== 'not ready') await isSet;
      if (kind !== 'stale') return;
      await server.server.close();
      await vi.waitFor(() => expect(client.providerStatus).toBe('STALE'), { timeout: 20_000 });
    },
    async evaluate({ context, ...request }) {
      if (JSON.stringify(context) !== JSON.stringify(invocation)) await OpenFeature.setContext(context);
      invocation = context;
      return evaluate(request);
    },
    status: () => client.providerStatus,
    addClientHook: (hook) => void client.addHooks(hook as Hook),
    setContext: (_, context) => OpenFeature.setContext(context),
    lastContext: () => last,
  };

  function evaluate({ type, key, defaultValue, hooks }: Omit<EvaluationRequest, 'context'>) {
    const options = { hooks: [...(hooks as Hook[]), recorder] };
    switch (type) {
      case 'boolean':
        return client.getBooleanDetails(key, defaultValue as boolean, options);
      case 'string':
        return client.getStringDetails(key, defaultValue as string, options);
      case 'object':
        return client.getObjectDetails(key, defaultValue as never, options);
      default:
        return client.getNumberDetails(key, defaultValue as number, options);
    }
  }
}
