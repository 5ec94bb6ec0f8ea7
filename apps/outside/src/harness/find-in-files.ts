import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

const BASE64 = /[\w+/-]{40,}/g;

/**
 * Returns `file: word` for each file below a folder that contains one of the words, in clear or in base64. Symbolic links
 * are not followed.
 */
export async function findInFiles(folder: string, words: Record<string, RegExp>): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const clear = await readFile(path, 'latin1').catch((error) => {
      // A process that has just ended may still remove a file.
      if (error.code === 'ENOENT') return '';
      throw error;
    });
    const decoded = (clear.match(BASE64) ?? []).map((text) => Buffer.from(text, 'base64').toString('latin1'));
    for (const [name, word] of Object.entries(words)) {
      if ([clear, ...decoded].some((text) => word.test(text)))
        found.push(`${path.slice(folder.length)}: ${name}`);
    }
  }
  return found;
}
