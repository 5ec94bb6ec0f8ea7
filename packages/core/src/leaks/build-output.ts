import { access } from 'node:fs/promises';
import { extname, join, relative, sep } from 'node:path';
import type { LeakPattern } from './leak-patterns.ts';

/** Whether the name of a secret is a leak in a file of some build. */
export type NamesCount = (file: string) => boolean;

/** Extensions of code, which includes the code of libraries. */
const CODE = new Set(['.js', '.mjs', '.cjs', '.map']);
/** What Next.js prerenders: pages, payloads of server components, and responses of route handlers. */
const PRERENDERED = new Set(['.html', '.rsc', '.body', '.json']);

/** What is known about a folder by the tool that wrote it. */
export interface BuildOutput {
  namesCount: NamesCount;
  /** Folders in it that are not a part of the build. */
  without: ReadonlySet<string>;
}

/**
 * Returns which files of a build a browser can get. In the output of Next.js (it has a BUILD_ID) these are `static` and what
 * was prerendered; server code must contain the names of secrets. In any other folder they are all files.
 */
export async function readBuildOutput(folder: string): Promise<BuildOutput> {
  const isNext = await access(join(folder, 'BUILD_ID')).then(
    () => true,
    () => false,
  );
  if (!isNext) return { namesCount: () => true, without: new Set() };
  const namesCount: NamesCount = (file) => {
    const [room, ...path] = relative(folder, file).split(sep);
    if (room === 'static') return true;
    const isPage = ['app', 'pages', 'route-cache'].includes(path[0] ?? '');
    return room === 'server' && isPage && PRERENDERED.has(extname(file));
  };
  // `next build` leaves what `next dev` has written, such as its log and its cache, which may be large.
  return { namesCount, without: new Set([join(folder, 'dev')]) };
}

/**
 * Whether a name is too common to be looked for in code: a single word in lower case, such as `password`, is in the code of
 * React itself.
 */
export function isCommonWord(name: string, file: string): boolean {
  return CODE.has(extname(file)) && /^[a-z]+$/.test(name);
}

/**
 * How a leak probably got into a file, and what to do.
 *
 * @param file - path below the scanned folder: folders above it say nothing about the build.
 */
export function explainLeak(file: string, { kind }: Pick<LeakPattern, 'kind'>): string {
  const path = file.split(sep);
  const extension = extname(file);
  if (extension === '.map') {
    return 'A source map contains it. Remove it from the source, or build without source maps for browsers.';
  }
  if (path.at(-1)?.startsWith('required-server-files')) {
    return 'It is in "env" of next.config, which becomes part of every build. Read the variable at run time instead.';
  }
  if (path.includes('cache')) {
    return 'A cache of the build contains it. Do not return it from "use cache", a cached fetch or unstable_cache.';
  }
  if (extension === '.html') {
    return 'A page was rendered with it. Look for a prop of a client component, text, metadata, or an inline script.';
  }
  if (extension === '.body') return 'A static route handler returned it.';
  if (extension === '.rsc') return 'A server component passed it to a client component as a prop.';
  if (path.at(-1)?.startsWith('.env')) {
    return 'A file of variables is part of the build. Leave it out, and set the variables where the program runs.';
  }
  if (!CODE.has(extension))
    return 'The file was written or copied with it. Remove it there, or leave the file out.';
  if (kind === 'name') {
    return 'Client code contains it. Import the module of the schema with "import type", and read secrets on a server.';
  }
  return path.includes('server')
    ? 'Server code contains it, and so does every copy of the build. Read it at run time: the bundler inlined a variable, or it is a literal.'
    : 'Client code contains it. Look for a variable that the bundler inlines (NEXT_PUBLIC_, VITE_, "env", "define"), or for a literal.';
}

/** What files of the same page have in common: the path without extensions, and without the folder of segments. */
export function pageOf(file: string): string {
  return file.replace(/(?:\.segments[\\/].*|(?:\.[a-z]+)+)$/, '');
}
