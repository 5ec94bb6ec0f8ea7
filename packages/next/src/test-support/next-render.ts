import { workAsyncStorage } from 'next/dist/server/app-render/work-async-storage.external.js';
import { workUnitAsyncStorage } from 'next/dist/server/app-render/work-unit-async-storage.external.js';
import * as React from 'react';

/** How Next runs code: a page in a build or a request, what `after()` delays, or a function with `'use cache'`. */
export type NextPhase = 'build' | 'request' | 'after' | 'cache';

/** Segment options of a page, such as `dynamic = 'force-static'`. */
export interface NextPage {
  forceStatic?: boolean;
  /** Collects the tags of the cache entry. */
  tags?: string[];
}

/** Runs `read` as Next runs the code of a page: in its storages, where `connection()` looks. */
export async function inNext<Result>(
  phase: NextPhase,
  read: () => Promise<Result>,
  { forceStatic = false, tags = [] }: NextPage = {},
): Promise<Result> {
  const work = { page: '/page', route: '/', forceStatic };
  const units = {
    build: { type: 'prerender-legacy', phase: 'render', revalidate: false },
    request: { type: 'request', phase: 'render' },
    after: { type: 'request', phase: 'after' },
    cache: { type: 'cache', phase: 'render', tags },
  };
  return workAsyncStorage.run(work as never, () => workUnitAsyncStorage.run(units[phase] as never, read));
}

/** The part of React in which a renderer of server components keeps what `cache()` stores for one render. */
interface ReactInternals {
  A: { getCacheForType: (create: () => unknown) => unknown } | null;
}

/** Runs `read` as in one render of server components, in which `cache()` calls each function once. */
export async function inRender<Result>(read: () => Promise<Result>): Promise<Result> {
  const internals = Reflect.get(
    React,
    '__SERVER_INTERNALS_DO_NOT_USE_OR_WARN_USERS_THEY_CANNOT_UPGRADE',
  ) as ReactInternals;
  const values = new Map<unknown, unknown>();
  internals.A = {
    getCacheForType(create) {
      if (!values.has(create)) values.set(create, create());
      return values.get(create);
    },
  };
  try {
    return await read();
  } finally {
    internals.A = null;
  }
}

/** Runs a route handler as Next does. Resolves with its response and the tags that it has revalidated. */
export async function inRouteHandler(
  handle: () => Promise<Response>,
): Promise<{ response: Response; revalidated: unknown[] }> {
  const work = { page: '/api/config/stream/route', route: '/api/config/stream', incrementalCache: {} };
  const unit = { type: 'request', phase: 'action' };
  const response = await workAsyncStorage.run(work as never, () =>
    workUnitAsyncStorage.run(unit as never, handle),
  );
  const { pendingRevalidatedTags = [] } = work as {
    pendingRevalidatedTags?: { tag: string; profile: unknown }[];
  };
  return { response, revalidated: pendingRevalidatedTags.map(({ tag, profile }) => [tag, profile]) };
}
