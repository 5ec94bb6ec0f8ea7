import { tierNames } from '@smooai/config';
import { findEnvironment, readCatalog } from '../catalog.ts';
import type { CommandContext } from '../command-context.ts';
import { MASK, shortText, table } from '../format.ts';
import { defaultOf, readStoredValues } from '../stored-values.ts';

/** `list`: every key with its value in an environment. */
export async function runList(context: CommandContext): Promise<void> {
  const { api, settings } = await context.connect();
  const catalog = await readCatalog(api);
  const environment = (await findEnvironment(api, settings.environment)).name;
  const values = await readStoredValues(api, environment, catalog);
  const showSecrets = context.options.showSecrets === true;
  const declared = catalog.map((key) => ({ ...key, stored: values.get(key), fallback: defaultOf(key) }));
  const known = new Set(catalog.map(({ tier, key }) => `${tier}.${key}`));
  const undeclared = values
    .entries()
    .filter(({ tier, key }) => !known.has(`${tier}.${key}`))
    .map(({ tier, key, value }) => ({
      fullName: `${tierNames(tier).group}.${key}`,
      tier,
      schemaName: null,
      stored: value,
      fallback: undefined,
    }));
  const rows = [...declared, ...undeclared].map(({ fullName, tier, schemaName, stored, fallback }) => ({
    key: fullName,
    tier,
    schema: schemaName,
    source: stored !== undefined ? 'stored' : fallback !== undefined ? 'default' : 'missing',
    value: stored ?? fallback,
  }));
  const { colors } = context;
  const lines = table([
    ['KEY', 'SOURCE', 'VALUE'],
    ...rows.map(({ key, source, tier, value }) => [
      key,
      source,
      value === undefined ? '-' : shortText(value, tier, showSecrets),
    ]),
  ]);
  const [head = '', ...body] = lines.split('\n');
  const empty = 'No schema has been pushed yet. Push one: smooai-config push SCHEMA.ts';
  context.print(
    rows.length === 0 ? empty : [colors.bold(`${environment}`), colors.dim(head), ...body].join('\n'),
    rows.map(({ tier, value, ...row }) => {
      const isMasked = tier === 'secret' && !showSecrets && value !== undefined;
      return { ...row, tier, value: isMasked ? MASK : (value ?? null), ...(isMasked && { masked: true }) };
    }),
  );
}
