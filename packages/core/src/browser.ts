export {
  createSnapshotSource,
  type SnapshotSource,
  type SnapshotSourceOptions,
  type SnapshotSourceSettings,
  type SnapshotSourceUrl,
} from './snapshot/snapshot-source.ts';
export {
  type SnapshotChange,
  type SnapshotGroup,
  type SnapshotKeyChange,
  type SnapshotStatus,
  SnapshotStore,
  snapshotValue,
} from './snapshot/snapshot-store.ts';
export type {
  Evaluation,
  EvaluationContext,
  EvaluationSource,
  JsonValue,
  Snapshot,
  SnapshotPatch,
} from './wire.ts';
