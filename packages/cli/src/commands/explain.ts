import { clampLimit, type Explanation, explain, type JsonSchema, type JsonValue } from '@smooai/config';
import { type CatalogKey, findEnvironment, findKey, readCatalog } from '../catalog.ts';
import type { CommandContext } from '../command-context.ts';
import { UsageError } from '../errors.ts';
import { explanationText } from '../explanation-text.ts';
import { defaultOf, readStoredValues } from '../stored-values.ts';

/** What `explain` takes beside the key. */
export interface ExplainOptions {
  /** JSON object of the attributes; default none. */
  context?: string;
}

/** `explain KEY --context JSON`: how a flag or limit comes to its answer for these attributes. */
export async function runExplain(
  context: CommandContext,
  name: string,
  options: ExplainOptions,
): Promise<void> {
  const attributes = parseAttributes(options.context);
  const { api, settings } = await context.connect();
  const catalog = await readCatalog(api);
  const key = findKey(catalog, name);
  if (key.tier !== 'feature_flag' && key.tier !== 'limit') {
    throw new UsageError(`${key.fullName} has one value for everyone: only flags and limits are evaluated.`);
  }
  const environment = (await findEnvironment(api, settings.environment)).name;
  const values = await readStoredValues(api, environment, catalog);
  if (values.revision === undefined) {
    throw new UsageError('This server has no rulesets, so it does not tell how it targets.');
  }
  const stored = values.get(key);
  const explanation =
    stored === undefined
      ? ofDefault(key)
      : withinBounds(key, explain(key.key, stored, attributes, values.segments));
  context.print(
    explanationText({ title: `${key.fullName} (${environment})`, explanation, stored }, context.colors),
    {
      ...explanation,
      key: key.fullName,
      environment,
    },
  );
}

function parseAttributes(text: string | undefined): Record<string, unknown> {
  if (text === undefined) return {};
  const problem =
    '--context must be a JSON object of attributes, such as \'{"country":"NL","userId":"u-1"}\'.';
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new UsageError(problem);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new UsageError(problem);
  return { ...value };
}

function ofDefault(key: CatalogKey): Explanation {
  const value = defaultOf(key) ?? null;
  return { key: key.key, answer: { value, source: 'default' }, isTargeted: false, rules: [] };
}

/** A limit is served snapped and clamped; the server has done that to no stored value yet. */
function withinBounds(key: CatalogKey, explanation: Explanation): Explanation {
  if (key.tier !== 'limit') return explanation;
  const { answer } = explanation;
  return { ...explanation, answer: { ...answer, value: clampLimit(answer.value, limitOf(key.jsonSchema)) } };
}

function limitOf(schema: JsonSchema): Parameters<typeof clampLimit>[1] {
  const number = (value: JsonValue | undefined): number | undefined =>
    typeof value === 'number' ? value : undefined;
  const [min, max, step] = [number(schema.minimum), number(schema.maximum), number(schema.multipleOf)];
  return {
    default: number(schema.default) ?? 0,
    ...(min !== undefined && { min }),
    ...(max !== undefined && { max }),
    ...(step !== undefined && { step }),
  };
}
