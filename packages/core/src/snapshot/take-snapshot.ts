import type { ParsedEvaluation } from '../ruleset/compiled-key.ts';
import type { RulesetStore } from '../ruleset/ruleset-store.ts';
import { browserValue } from '../schema/browser-value.ts';
import type { AnyConfig, KeyDefinition } from '../schema/config-types.ts';
import type { Evaluation, EvaluationContext, Snapshot } from '../wire.ts';

/**
 * Evaluates public values, flags and limits for a context. Secrets are never read. A value that JSON cannot represent is
 * replaced by its stored value.
 *
 * @param keys - the keys to include; default all. Keys that the schema does not declare are left out.
 */
export function takeSnapshot(
  { config, store }: { config: AnyConfig; store: RulesetStore },
  context: EvaluationContext,
  keys?: Iterable<string>,
): Snapshot {
  const snapshot: Snapshot = { revision: store.ruleset?.revision ?? '0', public: {}, flags: {}, limits: {} };
  for (const key of keys ?? config.keys.keys()) {
    const definition = config.keys.get(key);
    if (definition === undefined || definition.tier === 'secret') continue;
    const evaluated = evaluate(store, definition, context);
    if (evaluated === undefined) continue;
    const value = browserValue(definition, evaluated.value);
    if (value === undefined) continue;
    const { errorCode: _, ...evaluation } = evaluated;
    if (definition.tier === 'public') snapshot.public[definition.key] = value;
    else if (definition.tier === 'limit') snapshot.limits[definition.key] = evaluation as Evaluation<number>;
    else snapshot.flags[definition.key] = { ...evaluation, value };
  }
  return snapshot;
}

function evaluate(
  store: RulesetStore,
  definition: KeyDefinition,
  context: EvaluationContext,
): ParsedEvaluation | undefined {
  const compiled = store.get(definition.key);
  if (compiled !== undefined) return compiled.evaluate(context);
  const fallback = store.defaultOf(definition.key);
  return fallback?.ok ? { value: fallback.value, source: 'default' } : undefined;
}
