import { workAsyncStorage } from 'next/dist/server/app-render/work-async-storage.external.js';
import { workUnitAsyncStorage } from 'next/dist/server/app-render/work-unit-async-storage.external.js';
import * as React from 'react';

/** How Next runs a page: the prerendering of a build, a request, or the code that `after()` delays. */
export type NextPhase = 'build' | 'request' | 'after';

/** Segment options of a page, such as `dynamic = 'force-static'`. */
export interface NextPage {
  forceStatic?: boolean;
}

/** Runs `read` as Next runs the code of a page: in its storages, where `connection()` looks. */
export async function inNext<Result>(
  phase: NextPhase,
  read: () => Promise<Result>,
  { forceStatic = false }: NextPage = {},
): Promise<Result> {
  const work = { page: '/page', route: '/', forceStatic };
  const unit =
    phase === 'build'
      ? { type: 'prerender-legacy', phase: 'render', revalidate: false }
      : { type: 'request', phase: phase === 'after' ? 'after' : 'render' };
  return workAsyncStorage.run(work as never, () => workUnitAsyncStorage.run(unit as never, read));
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
