import { tierNames } from '@smooai/config';
import { type CatalogKey, readCatalog } from '../catalog.ts';
import { currentEnvironment } from '../environments.ts';
import type { CommandContext } from '../program/command-context.ts';
import { defaultOf, readStoredValues, type StoredValues } from '../stored-values.ts';
import { table } from '../text/table.ts';
import { valueDisplay } from '../text/value-display.ts';
import { readValueOrigins, type ValueOrigin } from '../value-origins.ts';

/** `list`: prints every key with its value in an environment. */
export async function runList(context: CommandContext): Promise<void> {
  const connection = await context.connect();
  const { api } = connection;
  const catalog = await readCatalog(api);
  const environments = await api.listEnvironments();
  const environment = await currentEnvironment(connection, environments);
  const values = await readStoredValues(api, environment.name, catalog);
  const origins = await readValueOrigins(api, { values, environment, environments, catalog });
  const rows = listedKeys(catalog, values).map(({ fullName, tier, key, schemaName, defaultValue }) => ({
    ...{ key: fullName, tier, schema: schemaName },
    ...origins.of({ key, tier }, defaultValue),
    value: values.get({ key, tier }) ?? defaultValue,
    display: valueDisplay(tier, context.options),
  }));
  const { colors } = context;
  const text =
    rows.length === 0
      ? 'No schema has been pushed yet. Push one: smooai-config push SCHEMA.ts'
      : `${colors.bold(environment.name)}\n${table(
          ['KEY', 'ORIGIN', 'VALUE'],
          rows.map(({ key, origin, fallback, value, display }) => [
            key,
            originText(origin, fallback),
            display.text(value, '-'),
          ]),
          colors,
        )}`;
  context.print(
    text,
    rows.map(({ display, value, ...row }) => ({
      ...row,
      value: display.json(value),
      ...(value !== undefined && display.jsonFlags),
    })),
  );
}

type ListedKey = Pick<CatalogKey, 'fullName' | 'tier' | 'key'> & {
  schemaName: string | null;
  defaultValue: ReturnType<typeof defaultOf>;
};

/** The keys of all schemas, then the stored keys that no schema declares. */
function listedKeys(catalog: readonly CatalogKey[], values: StoredValues): ListedKey[] {
  const declared = new Set(catalog.map(({ tier, key }) => `${tier}.${key}`));
  return [
    ...catalog.map((key) => ({ ...key, defaultValue: defaultOf(key) })),
    ...values
      .entries()
      .filter(({ tier, key }) => !declared.has(`${tier}.${key}`))
      .map(({ tier, key }) => ({
        ...{ fullName: `${tierNames(tier).group}.${key}`, tier, key },
        schemaName: null,
        defaultValue: undefined,
      })),
  ];
}

function originText(origin: ValueOrigin, fallback: string | undefined): string {
  if (origin === 'fallback') return `same as ${fallback}`;
  return origin === 'stored-or-fallback' ? 'stored or inherited' : origin;
}
