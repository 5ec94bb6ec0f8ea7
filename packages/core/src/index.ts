export {
  ClientClosedError,
  ConfigError,
  type ConfigErrorCode,
  type ConfigErrorOf,
  EvaluateContextError,
  type EvaluateFailedDetails,
  EvaluateFailedError,
  type EvaluateFailureReason,
  EvaluateNotFoundError,
  type InvalidKey,
  isConfigError,
  NotReadyError,
  OptionsError,
  ReadyTimeoutError,
  RequestRejectedError,
  RequestTransportError,
  ResponseMalformedError,
  SchemaError,
  SettingsError,
  type TokenError,
  TokenMalformedError,
  type TokenMalformedReason,
  TokenRejectedError,
  TokenThrottledError,
  TokenTransportError,
  type TransportReason,
  UnknownKeyError,
  ValueMissingError,
  ValuesInvalidError,
} from './errors.ts';
export { checkCondition } from './evaluation/check/condition-check.ts';
export { touchedSegments } from './evaluation/check/segment-changes.ts';
export { checkTargeting, segmentsUsed } from './evaluation/check/targeting-check.ts';
export type {
  PatternFlags,
  TargetingCheckOptions,
  TargetingIssue,
} from './evaluation/check/targeting-issues.ts';
export { type CompiledSegments, compileSegments } from './evaluation/compiled-segments.ts';
export { type CompiledEvaluation, compile, evaluate } from './evaluation/evaluate.ts';
export type { AttributeKind, ConditionTrace } from './evaluation/explain/condition-trace.ts';
export {
  type Explanation,
  explain,
  type RolloutTrace,
  type RuleTrace,
} from './evaluation/explain/explain.ts';
export { createBackoff } from './http/backoff.ts';
export { readRetryAfter } from './http/retry-after.ts';
export type {
  AnyConfig,
  BrowserFlagValue,
  BrowserPublicValue,
  ConfigContext,
  ConfigDefinition,
  ConfigOptions,
  ContextValidator,
  FlagInput,
  FlagKey,
  FlagValue,
  KeyDefinition,
  LimitKey,
  Limits,
  PublicInput,
  PublicKey,
  PublicValue,
  Register,
  RegisteredConfig,
  SecretInput,
  SecretKey,
  SecretValue,
  Validators,
} from './schema/config-types.ts';
export { defineConfig } from './schema/define-config.ts';
export { toJsonSchema } from './schema/json-schema.ts';
export { findKeyIssue } from './schema/key-name.ts';
export { clampLimit, defineLimit, type LimitDefinition, type LimitOptions } from './schema/limit.ts';
export type { ConfigDefaults, ConfigSnapshot } from './snapshot/config-snapshot.ts';
export { diffSnapshots } from './snapshot/snapshot-diff.ts';
export { isTargetable, schemaKeysOf, TIERS, type TierNames, tierNames } from './tiers.ts';
export type {
  Condition,
  ConditionOperator,
  Evaluation,
  EvaluationContext,
  EvaluationSource,
  JsonSchema,
  JsonValue,
  Rollout,
  Ruleset,
  RulesetChange,
  RulesetPatch,
  SchemaDocument,
  Segments,
  Snapshot,
  SnapshotPatch,
  TargetedValue,
  TargetingRule,
  Tier,
  TierSchema,
  WireSchema,
} from './wire.ts';
