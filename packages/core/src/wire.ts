/** Any value that JSON can carry; configuration values are JSON on the wire. */
export type JsonValue = string | number | boolean | null | JsonValue[] | { [key: string]: JsonValue };

/** The attributes that a flag is evaluated for: `{ userId, country, … }`. */
export type EvaluationContext = Readonly<Record<string, unknown>>;

/** A targeting condition; the forms and operators are listed in `docs/flags.md` of `@smooai/config`. */
export type Condition =
  | { all: Condition[] }
  | { any: Condition[] }
  | { not: Condition }
  | { segment: string }
  | { attribute: string; op: 'exists' }
  | { attribute: string; op: ConditionOperator; values: JsonValue[]; ignoreCase?: boolean };

/** Operators that compare an attribute with `values`. */
export type ConditionOperator =
  | 'in'
  | 'contains'
  | 'startsWith'
  | 'endsWith'
  | 'matches'
  | 'lt'
  | 'lte'
  | 'gt'
  | 'gte'
  | 'before'
  | 'after'
  | 'semverEq'
  | 'semverLt'
  | 'semverGt';

/** Splits contexts over variants by percentage. Weights are percent with at most two decimals; their sum is at most 100. */
export type Rollout<Value = JsonValue> = {
  variants: { value: Value; weight: number }[];
  /** Attribute path whose value decides the bucket; default the cohort's. */
  bucketBy?: string;
  /** Hash salt; default the cohort's. */
  salt?: string;
};

/** One rule of a cohort: exactly one of `value` and `rollout`. */
export type TargetingRule<Value = JsonValue> =
  | { id: string; when: Condition; value: Value }
  | { id: string; when: Condition; rollout: Rollout<Value> };

/** A targeted value: `{ "$cohort": … }`. A type rather than an interface, so that it is also a {@link JsonValue}. */
export type TargetedValue<Value = JsonValue> = {
  $cohort: {
    rules?: TargetingRule<Value>[];
    rollout?: Rollout<Value>;
    /** Default `userId`. */
    bucketBy?: string;
    /** Default the flag's key. */
    salt?: string;
    defaultValue: Value;
  };
};

/** Segments of an environment, by name. */
export type Segments = Readonly<Record<string, Condition>>;

/** What decided the value: no targeting, a rule, a rollout, or the default. */
export type EvaluationSource = 'raw' | 'rule' | 'rollout' | 'default';

/** The result of an evaluation, before the value is parsed by a schema. */
export interface Evaluation<Value = JsonValue> {
  value: Value;
  source: EvaluationSource;
  /** Id of the rule that matched, even if its rollout gave no variant. */
  matchedRuleId?: string;
  /** 0–99; absent if no rollout was reached or the attribute to bucket by is missing. */
  rolloutBucket?: number;
}

/** The tier of a key, as named on the wire. */
export type Tier = 'public' | 'secret' | 'feature_flag' | 'limit';

/**
 * All stored values of one environment, including rules, segments and secrets. For servers only; a browser gets a
 * {@link Snapshot}.
 */
export interface Ruleset {
  /** A decimal string that only grows within an environment and epoch. */
  revision: string;
  /** The history that the revision belongs to. It changes if revisions may have gone back, as after a restored backup. */
  epoch?: string;
  environment: string;
  public: Record<string, JsonValue>;
  secret: Record<string, JsonValue>;
  flags: Record<string, JsonValue>;
  limits: Record<string, JsonValue>;
  segments: Record<string, Condition>;
}

/** One change between two revisions. `{ segments }` replaces all segments. */
export type RulesetChange =
  | { tier: Tier; key: string; value: JsonValue }
  | { tier: Tier; key: string; deleted: true }
  | { segments: Record<string, Condition> };

/** The data of a `change` event. */
export interface RulesetPatch {
  revision: string;
  /** The revision before this one; a client with an older one has missed a change. */
  previousRevision?: string;
  changes: RulesetChange[];
}

/** The values that a browser gets: public values, and flags and limits for one context. No secrets, rules or segments. */
export interface Snapshot {
  revision: string;
  public: Record<string, JsonValue>;
  flags: Record<string, Evaluation>;
  limits: Record<string, Evaluation<number>>;
}

/** The data of a `patch` event: only the values that changed for this context. */
export interface SnapshotPatch {
  revision: string;
  public?: Record<string, JsonValue>;
  flags?: Record<string, Evaluation>;
  limits?: Record<string, Evaluation<number>>;
  /** Removed keys, by group. */
  deleted?: { public?: string[]; flags?: string[]; limits?: string[] };
}

/** The schema document on the wire: one object schema per tier, whose properties are the keys. */
export interface WireSchema {
  type: 'object';
  properties: {
    publicConfigSchema: TierSchema;
    secretConfigSchema: TierSchema;
    featureFlagSchema: TierSchema;
    limitsSchema: TierSchema;
  };
}

/**
 * A schema document as a server has it. Its groups are those of a {@link WireSchema}, or have the names that the
 * platform's SDKs in other languages use: `public`, `secret`, `feature_flags` and `limits`. A tier without keys may be
 * left out.
 */
export interface SchemaDocument {
  type: 'object';
  properties: { [group: string]: TierSchema };
}

/** One tier of a {@link WireSchema}. */
export interface TierSchema {
  type: 'object';
  properties: Record<string, JsonSchema>;
}

/** A JSON Schema (draft 2020-12) of one key. */
export type JsonSchema = { [keyword: string]: JsonValue };
