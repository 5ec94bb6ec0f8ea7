import { TIERS, tierNames } from './tiers.ts';
import type { Ruleset, RulesetPatch } from './wire.ts';

/** A ruleset whose values can be written without touching the one it was made of. */
export function copyOf(ruleset: Ruleset): Ruleset {
  const copy: Ruleset = { ...ruleset };
  for (const { ruleset: group } of TIERS) copy[group] = { ...ruleset[group] };
  return copy;
}

/** Writes a patch into a ruleset; answers the keys that it names. */
export function writePatch(ruleset: Ruleset, patch: RulesetPatch): Set<string> {
  const changed = new Set<string>();
  ruleset.revision = patch.revision;
  for (const change of patch.changes) {
    if ('segments' in change) {
      ruleset.segments = change.segments;
      continue;
    }
    const values = ruleset[tierNames(change.tier).ruleset];
    if ('deleted' in change) delete values[change.key];
    else values[change.key] = change.value;
    changed.add(change.key);
  }
  return changed;
}
