import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Which documents of the repository's docs folder are in which package, below `dist/docs`. */
const PACKED = { core: ['migration.md'], server: ['production.md', 'protocol.md'] };

/**
 * Copies documents of the repository into a package, which comes without the repository. A link that leads out of the package
 * becomes its text, with the place in parentheses.
 *
 * @param name - the folder of the package, such as `server`.
 */
export function packDocs(name) {
  const target = join(root, 'packages', name, 'dist/docs');
  mkdirSync(target, { recursive: true });
  for (const document of PACKED[name]) {
    const text = readFileSync(join(root, 'docs', document), 'utf8');
    writeFileSync(join(target, document), withLinksOf(name, text));
  }
}

function withLinksOf(name, text) {
  return text.replace(/\[([^\]]+)\]\(([^)\s]+)\)/g, (link, label, url) => {
    if (/^([a-z]+:|#)/.test(url)) return link;
    const [path, anchor = ''] = url.split(/(?=#)/);
    if (PACKED[name].includes(path)) return link;
    const place = relative(root, resolve(root, 'docs', path)).replaceAll('\\', '/');
    const [, other, file] = placeInPackage(place);
    if (other === undefined) return `${label} (\`${place}\` in the repository)`;
    if (other === name) return `[${label}](../../${file}${anchor})`;
    const manifest = JSON.parse(readFileSync(join(root, 'packages', other, 'package.json'), 'utf8'));
    return `${label} (\`${file}\` of \`${manifest.name}\`)`;
  });
}

/** The folder of the package that has a file of the repository, and where; nothing if none has. */
function placeInPackage(place) {
  const owner = Object.keys(PACKED).find((name) => PACKED[name].some((file) => place === `docs/${file}`));
  if (owner !== undefined) return [place, owner, `dist/${place}`];
  return /^packages\/([^/]+)\/((?:README|docs\/).*)$/.exec(place) ?? [];
}
