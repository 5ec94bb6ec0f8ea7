import { readFile, realpath } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { AnyConfig } from '@smooai/config';
import {
  type AllowedLeak,
  createTextScanner,
  findSecretValues,
  type TextLeak,
} from '@smooai/config/leak-scan';
import type { Plugin, Rollup } from 'vite';

/** Options of {@link configSecrets}. */
export interface ConfigSecretsOptions {
  /** The module of the schema, relative to Vite's root, such as `src/config.ts`. */
  schema: string;
  /** The name of its export; default `config`. */
  export?: string;
  /** What is not a leak, each with its reason. The `file` of an entry is below the folder of the build. */
  allow?: readonly AllowedLeak[];
}

/** A plugin of Vite, as its `plugins` accept it. Vite's own type would need Vite's types in every compilation. */
export interface VitePlugin {
  name: string;
}

type Scanner = ReturnType<typeof createTextScanner>;

/**
 * Fails a build that contains the module of the schema, the quoted name of a secret in your own code, or the value of a secret
 * in any form that `smooai-config scan` finds. The values are those of the environment variables and of the `.env` files of
 * the build.
 *
 * @example
 * export default defineConfig({ plugins: [react(), configSecrets({ schema: 'src/config.ts' })] });
 */
export function configSecrets(options: ConfigSecretsOptions): VitePlugin {
  let files: readonly string[];
  let scan: Scanner;
  const check: Plugin = {
    name: 'smooai-config-secrets',
    enforce: 'post',
    async generateBundle(_, bundle) {
      const outputs = Object.values(bundle);
      const chunks = outputs.filter((output) => output.type === 'chunk');
      for (const chunk of chunks) {
        const schema = chunk.moduleIds.find((id) => files.includes(pathOf(id)));
        if (schema !== undefined) this.error(await explainImport(this, schema));
        for (const leak of scan(chunk.code, chunk.fileName)) {
          const place = await findPlace(chunk, leak, scan);
          if (place !== undefined) this.error(explainLeak(place, leak));
          if (leak.kind === 'value') this.error(explainLeak(`${chunk.fileName}:${leak.line}`, leak));
        }
      }
      // After the chunks: source maps are assets, and a line of the source says more than one of a map.
      for (const asset of outputs) {
        if (asset.type !== 'asset') continue;
        const leak = scan(asset.source, asset.fileName).find(({ kind }) => kind === 'value');
        if (leak) this.error(explainLeak(`${asset.fileName}:${leak.line}`, leak));
      }
    },
  };
  const plugin: Plugin = {
    ...check,
    apply: 'build',
    // A build for a server may contain secrets.
    applyToEnvironment: ({ config }) => config.consumer === 'client',
    // Vite bundles workers apart from the page, with their own list of plugins.
    config: ({ build }) => (build?.ssr ? undefined : { worker: { plugins: () => [check] } }),
    async configResolved({ root, envDir }) {
      const path = resolve(root, options.schema);
      // Vite knows a file by its real path, such as a linked package of a monorepo, unless it preserves symbolic links.
      files = [path, await realpath(path).catch(() => path)].map((name) => name.replaceAll('\\', '/'));
      const config = await loadSchema(root, path.replaceAll('\\', '/'), options.export ?? 'config');
      const values = await findSecretValues(config, { envFolder: envDir || undefined });
      scan = createTextScanner({ config, values, allow: options.allow });
    },
  };
  return plugin;
}

async function loadSchema(root: string, file: string, name: string): Promise<AnyConfig> {
  const { runnerImport } = await import('vite');
  const { module } = await runnerImport<Record<string, unknown>>(file, { root, configFile: false });
  const schema = module[name];
  if (typeof schema === 'object' && schema !== null && 'secrets' in schema && 'keys' in schema)
    return schema as AnyConfig;
  throw new Error(`configSecrets: ${file} does not export a schema named "${name}".`);
}

/** Says what was found, without a secret's value: the message ends up in logs of the build. */
function explainLeak(place: string, { key, kind, form }: TextLeak): string {
  const how = kind === 'name' || form === 'plain' ? '' : ` (${form})`;
  const remedy =
    kind === 'name'
      ? 'Read secrets on a server only.'
      : 'Read it on a server, and replace it: a build may have been published.';
  return `${place}: the bundle contains the ${kind} of the secret "${key}"${how}. ${remedy} If it is not a leak, add it to "allow" of configSecrets, with a reason.`;
}

/** Where the schema is imported by something other than `import type`. */
async function explainImport(context: Rollup.PluginContext, schema: string): Promise<string> {
  const { importers = [], dynamicImporters = [] } = context.getModuleInfo(schema) ?? {};
  const file = pathOf(schema);
  const all = [...importers, ...dynamicImporters];
  const places = await Promise.all(
    all.map((importer) => findLine(importer, (line) => importsFile(line, file))),
  );
  const place = places.find((found) => found !== undefined) ?? all[0] ?? file;
  return `${place}: the bundle contains the schema, with the names of your secrets. Use "import type".`;
}

/** Whether a line imports code from a file of this name. */
function importsFile(line: string, file: string): boolean {
  if (!/\b(?:import|export|from)\b/.test(line) || /\b(?:import|export) type\b/.test(line)) return false;
  return [...line.matchAll(/['"]([^'"]+)['"]/g)].some(
    // The schema itself comes from a package of the same name.
    ([, path = '']) => !path.startsWith('@smooai/') && nameOf(pathOf(path)) === nameOf(file),
  );
}

/** The file of a module: an id can have a query, such as `?raw`. */
function pathOf(id: string): string {
  return id.replace(/\?.*$/, '');
}

/** The name of a file without its folder and extension. */
function nameOf(path: string): string {
  return /([^/]+?)(?:\.\w+)?$/.exec(path)?.[1] ?? path;
}

/**
 * The file and line of the module that a leak comes from. Names can be ordinary words in the code of other packages, so only
 * those in own code count; values are secret everywhere.
 */
async function findPlace(
  { moduleIds, fileName }: Rollup.OutputChunk,
  { key, kind }: TextLeak,
  scan: Scanner,
): Promise<string | undefined> {
  for (const id of moduleIds) {
    if (kind === 'name' && id.includes('/node_modules/')) continue;
    const [path, source] = await readSource(id);
    const found = scan(source, fileName).find((leak) => leak.key === key && leak.kind === kind);
    if (found) return `${path}:${found.line}`;
  }
  return undefined;
}

/** The file and line of the first match in a module's source. */
async function findLine(id: string, matches: (line: string) => boolean): Promise<string | undefined> {
  const [path, source] = await readSource(id);
  const index = source.split('\n').findIndex(matches);
  return index === -1 ? undefined : `${path}:${index + 1}`;
}

async function readSource(id: string): Promise<[path: string, source: string]> {
  const path = pathOf(id);
  return [path, await readFile(path, 'utf8').catch(() => '')];
}
