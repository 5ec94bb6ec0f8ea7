import type { TestProject } from 'vitest/node';
import { NextApp } from './next-app.ts';
import { ShopServer } from './shop-server.ts';

/** The result of a `next build`. */
export interface Build {
  readonly code: number | null;
  readonly output: string;
}

declare module 'vitest' {
  export interface ProvidedContext {
    /** The builds that all test files share, with the values of the development environment. */
    builds: { readonly cached: Build; readonly classic: Build };
    /** The client secret that the builds were given. */
    buildSecret: string;
  }
}

/** Builds each fixture once for all test files, and once without the packages under test. */
export async function setup(project: TestProject): Promise<void> {
  const server = await ShopServer.start();
  try {
    const env = server.env('development');
    const builds = {
      cached: await new NextApp('cached').build(env),
      classic: await new NextApp('classic').build(env),
    };
    for (const name of ['cached', 'classic'] as const) {
      const { code, output } = await new NextApp(name, 'without').build({});
      if (code !== 0) throw new Error(`The build of ${name} without the packages failed.\n${output}`);
    }
    project.provide('builds', builds);
    project.provide('buildSecret', env.SMOOAI_CONFIG_CLIENT_SECRET ?? '');
  } finally {
    await server.close();
  }
}
