import { type EvaluationDetails, type FlagValue, type Hook, OpenFeature } from '@openfeature/web-sdk';
import { createSnapshotSource, type SnapshotSource } from '@smooai/config/browser';
import { afterAll, afterEach, beforeAll, expect, vi } from 'vitest';
import type { RunningServer } from './test-support/config-server.ts';
import type { Scenario } from './test-support/gherkin.ts';
import type { Harness, ProviderKind } from './test-support/gherkin-steps.ts';
import {
  ContextRecorder,
  defineScenarios,
  evaluateWith,
  startSpecServer,
  useSpecServer,
} from './test-support/gherkin-suite.ts';
import { fetchAsPage, PAGE_ORIGIN, PageEventSource } from './test-support/page.ts';
import { specOptions } from './test-support/spec-flags.ts';
import { SmooConfigWebProvider } from './web.ts';

beforeAll(() => {
  vi.stubGlobal('fetch', fetchAsPage);
  vi.stubGlobal('EventSource', PageEventSource);
});
afterAll(() => void vi.unstubAllGlobals());
const running = useSpecServer();
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

defineScenarios({ sdk: 'web SDK', includes: isForWeb, createHarness });

async function sourceFor(kind: ProviderKind): Promise<{ source: SnapshotSource; server: RunningServer }> {
  const server = kind === 'stale' ? await startSpecServer() : running.current;
  const { apiUrl = '', organizationId = '', environment = '' } = server.clientOptions();
  const publishableKey = kind === 'fatal' ? 'pk_wrong' : await server.publishableKey(PAGE_ORIGIN);
  return { source: createSnapshotSource({ apiUrl, organizationId, environment, publishableKey }), server };
}

function createHarness(): Harness {
  const client = OpenFeature.getClient();
  const recorder = new ContextRecorder();
  let invocation = {};
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
      await expect.poll(() => client.providerStatus).toBe('STALE');
    },
    async evaluate({ context, hooks, ...request }) {
      if (JSON.stringify(context) !== JSON.stringify(invocation)) await OpenFeature.setContext(context);
      invocation = context;
      const options = { hooks: [...(hooks as Hook[]), recorder] };
      return evaluateWith<EvaluationDetails<FlagValue>>(client, request, options);
    },
    status: () => client.providerStatus,
    addClientHook: (hook) => void client.addHooks(hook as Hook),
    setContext: (_, context) => OpenFeature.setContext(context),
    lastContext: () => recorder.last,
  };
}
