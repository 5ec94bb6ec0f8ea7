import { workAsyncStorage } from 'next/dist/server/app-render/work-async-storage.external.js';
import { workUnitAsyncStorage } from 'next/dist/server/app-render/work-unit-async-storage.external.js';

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
