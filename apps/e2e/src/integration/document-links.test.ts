import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../../..', import.meta.url));
const packages = readdirSync(join(root, 'packages')).map((name) => join(root, 'packages', name));
/** Documents of the root that a build puts into packages. */
const packedIn = (folder: string): string[] => markdownIn(join(folder, 'dist/docs'));
const markdownIn = (folder: string): string[] =>
  existsSync(folder)
    ? readdirSync(folder)
        .filter((name) => name.endsWith('.md'))
        .map((name) => join(folder, name))
    : [];

/** Returns the relative links of a document, with the file and the anchor that each leads to. */
function links(document: string): { target: string; file: string; anchor: string }[] {
  const text = readFileSync(document, 'utf8').replace(/^```[\s\S]*?^```/gm, '');
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = '']) => target)
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => {
      const [path = '', anchor = ''] = target.split('#');
      return { target, anchor, file: path === '' ? document : resolve(dirname(document), path) };
    });
}

/** Returns the anchors of a document's headings, as GitHub creates them. */
function anchors(document: string): string[] {
  return [...readFileSync(document, 'utf8').matchAll(/^#+ +(.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

describe('documents', () => {
  const all = [root, join(root, 'docs'), join(root, 'benchmarks'), ...packages].flatMap((folder) => [
    ...markdownIn(folder),
    ...(packages.includes(folder) ? markdownIn(join(folder, 'docs')) : []),
  ]);
  it.each(all.map((document) => relative(root, document)))('%s: every link has a target', (name) => {
    const document = join(root, name);
    for (const { target, file, anchor } of links(document)) {
      expect(existsSync(file), target).toBe(true);
      if (anchor !== '') expect(anchors(file), target).toContain(anchor);
    }
  });

  it.each(packages.map((folder) => relative(root, folder)))(
    '%s: every link leads to a published file, because the package comes without the repository',
    (name) => {
      const folder = join(root, name);
      const { files } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { files: string[] };
      const published = ['README.md', 'package.json', ...files];
      const documents = documentsIn(folder);
      for (const document of documents) {
        for (const { target, file } of links(document)) {
          const [first = ''] = relative(folder, file).split(/[\\/]/);
          expect(published, `${relative(root, document)}: ${target}`).toContain(first);
        }
      }
    },
  );

  it.each(packages.map((folder) => relative(root, folder)))(
    '%s: each document that it names is in the package, or in one that it names too',
    (name) => {
      const folder = join(root, name);
      for (const document of documentsIn(folder)) {
        const text = readFileSync(document, 'utf8');
        for (const [, path = '', other] of text.matchAll(MENTION)) {
          const home = other === undefined ? folder : packageFolder(other);
          expect(existsSync(join(home, path)), `${relative(root, document)}: ${path}`).toBe(true);
        }
      }
    },
  );

  it('the documents of the root that packages need are in them, without links out of the package', () => {
    const names = packages.flatMap((folder) => packedIn(folder).map((document) => relative(root, document)));
    expect(names.sort()).toEqual([
      'packages/core/dist/docs/migration.md',
      'packages/server/dist/docs/production.md',
      'packages/server/dist/docs/protocol.md',
    ]);
    for (const name of names) {
      const document = join(root, name);
      for (const { target, file, anchor } of links(document)) {
        expect(existsSync(file), `${name}: ${target}`).toBe(true);
        if (anchor !== '') expect(anchors(file), `${name}: ${target}`).toContain(anchor);
      }
    }
  });
});

/** Names a document without a link, such as `docs/flags.md` of `@smooai/config`. */
const MENTION = /`((?:dist\/)?docs\/[\w-]+\.md)`(?: of\s`(@smooai\/[\w-]+)`)?/g;

function documentsIn(folder: string): string[] {
  return [join(folder, 'README.md'), ...markdownIn(join(folder, 'docs')), ...packedIn(folder)];
}

function packageFolder(name: string): string {
  const isNamed = (folder: string): boolean =>
    (JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { name: string }).name === name;
  return packages.find(isNamed) ?? '';
}
