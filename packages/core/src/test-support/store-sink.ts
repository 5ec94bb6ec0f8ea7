import type { RulesetStore } from '../ruleset/ruleset-store.ts';
import type { ConnectionStatus, RulesetSink } from '../sources/ruleset-source.ts';

/** A sink that applies everything to a store. */
export function sinkOf(
  store: RulesetStore,
  onStatus: (status: ConnectionStatus) => void = () => undefined,
): RulesetSink {
  return {
    get revision() {
      return store.ruleset?.revision;
    },
    get epoch() {
      return store.ruleset?.epoch;
    },
    replace: (ruleset) => store.replace(ruleset),
    patch: (patch) => store.patch(patch),
    confirm: () => undefined,
    status: onStatus,
  };
}
