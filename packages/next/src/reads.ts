import {
  type AnyConfig,
  type ConfigContext,
  type ConfigSnapshot,
  isConfigError,
  type Snapshot,
} from '@smooai/config';
import type { ConfigClient } from '@smooai/config/server';
import { cache } from 'react';
import { browserView } from './browser-view.ts';
import { tagCacheEntry } from './cache-scope.ts';
import { hintAtDynamicPage } from './dynamic-hint.ts';
import { CachedReadError } from './errors.ts';
import type { BrowserKey, NextConfigOptions } from './next-config-types.ts';
import { withoutStack } from './report-once.ts';
import { requestTime } from './request-time.ts';
import { tagStaticPage } from './static-pages.ts';

/** A client to read from, and the context to evaluate for. */
export interface EvaluatedRead<C extends AnyConfig> {
  client: ConfigClient<C>;
  context: ConfigContext<C> | undefined;
}

/** The ways to read. Outside of `'use cache'`, each first makes Next render the page for each request. */
export interface Reads<C extends AnyConfig> {
  /** For flags and limits. `call` is the public function, for error messages. */
  evaluated: (
    call: string,
    keys: readonly BrowserKey<C>[],
    given?: ConfigContext<C>,
  ) => Promise<EvaluatedRead<C>>;
  publicClient: (key: string) => Promise<ConfigClient<C>>;
  secretClient: (key: string) => Promise<ConfigClient<C>>;
  /** `read` is what the code of the page says, for the hint in development. */
  snapshot: (given?: ConfigContext<C>, read?: string) => Promise<Snapshot & ConfigSnapshot<C>>;
}

/** Creates the reads of one configuration: where a read happens decides what it may return. */
export function createReads<C extends AnyConfig>(
  { context, browserKeys }: NextConfigOptions<C>,
  client: () => Promise<ConfigClient<C>>,
): Reads<C> {
  const requestContext = cache(async () => context?.());
  const viewOf = browserView<C>(browserKeys);
  const atRequest = async (read: string, keys: readonly string[]): Promise<ConfigClient<C>> => {
    await requestTime();
    hintAtDynamicPage(read);
    await tagStaticPage(keys);
    return client();
  };
  const inCache = (): Promise<ConfigClient<C>> =>
    client().catch((error: unknown) => Promise.reject(isConfigError(error) ? withoutStack(error) : error));
  const requestSnapshot = cache(async () => viewOf(await client()).snapshot(await requestContext()));
  return {
    evaluated: async (call, keys, given) => {
      if (!tagCacheEntry(keys)) {
        const names = keys.map((key) => `'${key}'`).join(', ');
        const started = await atRequest(call === 'flags' ? `flags([${names}])` : `${call}(${names})`, keys);
        return { client: started, context: given ?? (await requestContext()) };
      }
      const started = await inCache();
      const targeted = given === undefined && keys.find((key) => started.explain(key as never).isTargeted);
      if (targeted) throw targetedError(call, targeted);
      return { client: started, context: given };
    },
    publicClient: async (key) =>
      tagCacheEntry([key]) ? inCache() : atRequest(`publicValue('${key}')`, [key]),
    secretClient: async (key) => {
      if (tagCacheEntry([])) throw secretError(key);
      // Without a tag of its own: Next stores tags beside the page, and webhooks do not name secrets.
      return atRequest(`secret('${key}')`, []);
    },
    snapshot: async (given, read = 'snapshot()') => {
      if (!tagCacheEntry([])) {
        const started = await atRequest(read, []);
        const snapshot = given === undefined ? await requestSnapshot() : viewOf(started).snapshot(given);
        await tagStaticPage(keysIn(snapshot));
        return snapshot;
      }
      if (given === undefined) throw snapshotError();
      const snapshot = viewOf(await inCache()).snapshot(given);
      tagCacheEntry(keysIn(snapshot));
      return snapshot;
    },
  };
}

function keysIn(snapshot: Snapshot): string[] {
  return [snapshot.public, snapshot.flags, snapshot.limits].flatMap(Object.keys);
}

function targetedError(call: string, key: string): CachedReadError {
  return new CachedReadError(
    `${call}: "${key}" is targeted, so its value depends on the visitor, but 'use cache' stores one value for all of them. Read it outside of 'use cache' and pass the value in, or pass the context that it depends on: ${call}('${key}', { country }).`,
  );
}

function secretError(key: string): CachedReadError {
  return new CachedReadError(
    `secret: "${key}" is a secret, and 'use cache' stores what it reads. Read the secret outside of 'use cache'.`,
  );
}

function snapshotError(): CachedReadError {
  return new CachedReadError(
    "snapshot: inside 'use cache' the visitor is not known. Call it outside, or pass a context: snapshot({ country }).",
  );
}
