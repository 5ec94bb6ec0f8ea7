import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const fixtures = fileURLToPath(new URL('..', import.meta.url));
const copies = join(fixtures, '.copies');

/** A copy of a fixture app that a test may edit. It lies beside the apps, so that it finds the same packages. */
export class AppCopy {
  readonly folder: string;
  readonly #root: string;

  private constructor(root: string, name: string) {
    this.#root = root;
    this.folder = join(root, name);
  }

  static async create(name: 'cached' | 'classic'): Promise<AppCopy> {
    await mkdir(copies, { recursive: true });
    const root = await mkdtemp(join(copies, `${name}-`));
    const filter = (path: string): boolean => !basename(path).startsWith('.next');
    for (const folder of [name, 'shared']) {
      await cp(join(fixtures, folder), join(root, folder), { recursive: true, filter });
    }
    const copy = new AppCopy(root, name);
    await cp(join(fixtures, 'tsconfig.json'), join(root, 'tsconfig.json'));
    await copy.edit('tsconfig.json', /\.\.\/\.\.\/tsconfig/, '../../../../tsconfig');
    return copy;
  }

  /** Replaces a text in a file, which must be there. `path` is relative to the folder with the app and `shared`. */
  async edit(path: string, find: RegExp, replacement: string): Promise<void> {
    const file = join(this.#root, path);
    const text = await readFile(file, 'utf8');
    if (!find.test(text)) throw new Error(`${path} has no ${find}.`);
    await writeFile(file, text.replace(find, replacement));
  }

  remove(): Promise<void> {
    return rm(this.#root, { recursive: true, force: true });
  }
}
