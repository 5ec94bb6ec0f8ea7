import {
  clampLimit,
  type Explanation,
  explain,
  isTargetable,
  type JsonSchema,
  type JsonValue,
} from '@smooai/config';
import { type CatalogKey, findKey, readCatalog } from '../catalog.ts';
import { currentEnvironment } from '../environments.ts';
import { UsageError } from '../errors.ts';
import { isRecord, parseJson } from '../json.ts';
import type { CommandContext } from '../program/command-context.ts';
import { defaultOf, readStoredValues } from '../stored-values.ts';
import { explanationText } from '../text/explanation-text.ts';

export interface ExplainOptions {
  /** JSON object of the attributes. Default: none. */
  context?: string;
}

/** `explain KEY --context JSON`: prints how a flag or limit is evaluated for these attributes. */
export async function runExplain(
  context: CommandContext,
  name: string,
  options: ExplainOptions,
): Promise<void> {
  const attributes = parseAttributes(options.context);
  const connection = await context.connect();
  const { api } = connection;
  const catalog = await readCatalog(api);
  const key = findKey(catalog, name);
  if (!isTargetable(key.tier)) {
    throw new UsageError(`${key.fullName} has one value for everyone: only flags and limits are evaluated.`);
  }
  const environment = (await currentEnvironment(connection)).name;
  const values = await readStoredValues(api, environment, catalog);
  if (values.revision === undefined) {
    throw new UsageError('This server does not offer rulesets, so its targeting cannot be explained.');
  }
  const stored = values.get(key);
  const explanation =
    stored === undefined
      ? defaultExplanation(key)
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
  const value = parseJson(text);
  if (!isRecord(value)) {
    throw new UsageError(
      '--context must be a JSON object of attributes, such as \'{"country":"NL","userId":"u-1"}\'.',
    );
  }
  return value;
}

function defaultExplanation(key: CatalogKey): Explanation {
  const value = defaultOf(key) ?? null;
  return { key: key.key, evaluation: { value, source: 'default' }, isTargeted: false, rules: [] };
}

/** Rounds a limit to its step and clamps it, as clients do. The server stores it as it was set. */
function withinBounds(key: CatalogKey, explanation: Explanation): Explanation {
  if (key.tier !== 'limit') return explanation;
  const { evaluation } = explanation;
  return {
    ...explanation,
    evaluation: { ...evaluation, value: clampLimit(evaluation.value, limitOf(key.jsonSchema)) },
  };
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
