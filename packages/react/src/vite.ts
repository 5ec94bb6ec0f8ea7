import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { AnyConfig } from '@smooai/config';
import type { Plugin, Rollup } from 'vite';

/** Options of {@link configSecrets}. */
export interface ConfigSecretsOptions {
  /** The module of the schema, relative to Vite's root, such as `src/config.ts`. */
  schema: string;
  /** The name of its export; default `config`. */
  export?: string;
}

/** A plugin of Vite, as its `plugins` accept it. Vite's own type would need Vite's types in every compilation. */
export interface VitePlugin {
  name: string;
}

/** Shorter values, such as "1" or "true", are in every bundle. */
const SHORTEST_VALUE = 6;

/** Something that must not be in a bundle. */
interface Forbidden {
  /** Without a secret's value, because it ends up in logs of the build. */
  reason: string;
  texts: string[];
  /** Names may be ordinary words in the code of other packages; values are secret everywhere. */
  ownCodeOnly: boolean;
}

/**
 * Fails a build that contains the module of the schema, the quoted name of a secret, or a secret's value from the
 * environment variables of the build.
 *
 * @example
 * export default defineConfig({ plugins: [react(), configSecrets({ schema: 'src/config.ts' })] });
 */
export function configSecrets(options: ConfigSecretsOptions): VitePlugin {
  let file: string;
  let forbidden: Forbidden[] = [];
  const plugin: Plugin = {
    name: 'smooai-config-secrets',
    apply: 'build',
    enforce: 'post',
    // A build for a server may contain secrets.
    applyToEnvironment: ({ config }) => config.consumer === 'client',
    async configResolved({ root }) {
      file = resolve(root, options.schema).replaceAll('\\', '/');
      forbidden = forbiddenTexts(await loadSchema(root, file, options.export ?? 'config'));
    },
    async generateBundle(_, bundle) {
      for (const chunk of Object.values(bundle)) {
        if (chunk.type !== 'chunk') continue;
        if (chunk.moduleIds.includes(file)) this.error(await explainImport(this, file));
        for (const { reason, texts, ownCodeOnly } of forbidden) {
          if (!texts.some((text) => chunk.code.includes(text))) continue;
          const place = await findPlace(chunk.moduleIds, texts, ownCodeOnly);
          if (place !== undefined || !ownCodeOnly) this.error(`${place ?? chunk.fileName}: ${reason}`);
        }
      }
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

function forbiddenTexts({ keys }: AnyConfig): Forbidden[] {
  return [...keys.values()].flatMap(({ key, tier, environmentVariable }) => {
    if (tier !== 'secret') return [];
    const value = process.env[environmentVariable] ?? '';
    const names: Forbidden = {
      reason: `the bundle contains the name of the secret "${key}". Read secrets on a server only.`,
      texts: [`'${key}'`, `"${key}"`, `\`${key}\``],
      ownCodeOnly: true,
    };
    const values: Forbidden = {
      reason: `the bundle contains the value of the secret "${key}". Read it on a server, and replace it: a build may have been published.`,
      texts: [value, JSON.stringify(value).slice(1, -1)],
      ownCodeOnly: false,
    };
    return value.length < SHORTEST_VALUE ? [names] : [names, values];
  });
}

/** Where the schema is imported by something other than `import type`. */
async function explainImport(context: Rollup.PluginContext, file: string): Promise<string> {
  const importers = context.getModuleInfo(file)?.importers ?? [];
  const name = /([^/]+?)(?:\.\w+)?$/.exec(file)?.[1] ?? file;
  const imports = ['import', 'export'].flatMap((word) => [`${word} {`, `${word} *`, `${word} '`]);
  const places = await Promise.all(
    importers.map((importer) =>
      findLine(importer, (line) => line.includes(name) && imports.some((start) => line.startsWith(start))),
    ),
  );
  const place = places.find((found) => found !== undefined) ?? importers[0] ?? file;
  return `${place}: the bundle contains the schema, with the names of your secrets. Use "import type".`;
}

async function findPlace(
  modules: readonly string[],
  texts: readonly string[],
  ownCodeOnly: boolean,
): Promise<string | undefined> {
  for (const id of modules) {
    if (ownCodeOnly && id.includes('/node_modules/')) continue;
    const place = await findLine(id, (line) => texts.some((text) => line.includes(text)));
    if (place !== undefined) return place;
  }
  return undefined;
}

/** The file and line of the first match in a module's source. */
async function findLine(id: string, matches: (line: string) => boolean): Promise<string | undefined> {
  const [path = ''] = id.split('?');
  const source = await readFile(path, 'utf8').catch(() => '');
  const index = source.split('\n').findIndex(matches);
  return index === -1 ? undefined : `${path}:${index + 1}`;
}
