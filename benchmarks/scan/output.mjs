// Folders as large as one likes, of the text of a real build.
import { mkdir, open, readdir, readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';

const MB = 1e6;

/** A megabyte of the scripts, pages and payloads in a folder. */
export async function sampleOf(folder) {
  const parts = [];
  let size = 0;
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !['.js', '.html', '.rsc'].includes(extname(entry.name))) continue;
    const part = await readFile(join(entry.parentPath, entry.name));
    parts.push(part);
    size += part.length;
    if (size >= MB) return Buffer.concat(parts).subarray(0, MB);
  }
  throw new Error('The build is smaller than 1 MB.');
}

/** Writes `files` files of `megabytes` each. */
export async function writeOutput(folder, sample, { files, megabytes }) {
  await mkdir(folder, { recursive: true });
  for (let index = 0; index < files; index += 1) {
    const file = await open(join(folder, `chunk-${index}.js`), 'w');
    for (let part = 0; part < megabytes; part += 1) await file.write(sample);
    await file.close();
  }
}
