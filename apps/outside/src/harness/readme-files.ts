import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { OutsideProject } from './project.ts';

const BLOCK = /^```tsx?\n\/\/ (\S+\.tsx?)[^\n]*\n([\s\S]*?)^```$/gm;

/**
 * Writes the code blocks of an installed package's README into the files that their first lines name. Returns the code
 * by path.
 */
export async function writeReadmeFiles(
  project: OutsideProject,
  packageName: string,
): Promise<Map<string, string>> {
  const readme = await project.read(`node_modules/${packageName}/README.md`);
  const written = new Map<string, string>();
  for (const [, path = '', code = ''] of readme.matchAll(BLOCK)) {
    await mkdir(join(project.folder, dirname(path)), { recursive: true });
    await project.write(path, code);
    written.set(path, code);
  }
  return written;
}
