export { stableJson } from './lib/json.ts';
export { isOlderRevision } from './lib/revision.ts';
export type { ConfigDefaults, ConfigSnapshot } from './snapshot/config-snapshot.ts';
export { type RememberOptions, rememberSnapshots } from './snapshot/remembered-snapshots.ts';
export {
  createSnapshotSource,
  type SnapshotSource,
  type SnapshotSourceOptions,
  type SnapshotSourceSettings,
  type SnapshotSourceUrl,
} from './snapshot/snapshot-source.ts';
export {
  currentSnapshot,
  entryValue,
  type SnapshotChange,
  type SnapshotGroup,
  type SnapshotKeyChange,
  type SnapshotRefusal,
  type SnapshotStatus,
  SnapshotStore,
  snapshotEntry,
} from './snapshot/snapshot-store.ts';
export type {
  Evaluation,
  EvaluationContext,
  EvaluationSource,
  JsonValue,
  Snapshot,
  SnapshotPatch,
} from './wire.ts';
