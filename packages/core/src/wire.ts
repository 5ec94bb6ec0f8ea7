/** Any value that JSON can carry; what a configuration value is on the wire. */
export type JsonValue = string | number | boolean | null | JsonValue[] | { [key: string]: JsonValue };

/** Attributes of whoever a flag is evaluated for: `{ userId, country, … }`. */
export type EvaluationContext = Readonly<Record<string, unknown>>;

/** A targeting condition; the forms and operators are listed in `docs/flags.md`. */
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

/** Splits contexts over variants by percentage; weights are percent with at most two decimals, their sum at most 100. */
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

/** A targeted value: `{ "$cohort": … }`. A type and no interface, so that it is a {@link JsonValue} too. */
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

/** How an evaluation came to its value. */
export type EvaluationSource = 'raw' | 'rule' | 'rollout' | 'default';

/** The answer of an evaluation, before a schema has looked at the value. */
export interface Evaluation<Value = JsonValue> {
  value: Value;
  source: EvaluationSource;
  /** Id of the rule that matched, also where its rollout missed. */
  matchedRuleId?: string;
  /** 0–99; absent when no rollout was reached or the bucketing attribute is missing. */
  rolloutBucket?: number;
}

/** The tier of a key, as the wire names it. */
export type Tier = 'public' | 'secret' | 'feature_flag' | 'limit';

/**
 * All stored values of one environment, as they are: rules, segments and secrets included.
 * It lives on servers only; a browser gets a {@link Snapshot}.
 */
export interface Ruleset {
  /** Decimal string that only grows within an environment and epoch. */
  revision: string;
  /** Which history the revision belongs to: another one where revisions may have gone back, as after a restored backup. */
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
  /** The revision that this one follows; who is not there yet has missed something. */
  previousRevision?: string;
  changes: RulesetChange[];
}

/** What a browser sees: public values and answers for one context. It has no place for a secret, a rule or a segment. */
export interface Snapshot {
  revision: string;
  public: Record<string, JsonValue>;
  flags: Record<string, Evaluation>;
  limits: Record<string, Evaluation<number>>;
}

/** The data of a `patch` event: what changed for this context, and nothing else. */
export interface SnapshotPatch {
  revision: string;
  public?: Record<string, JsonValue>;
  flags?: Record<string, Evaluation>;
  limits?: Record<string, Evaluation<number>>;
  /** Keys that are gone, by group. */
  deleted?: { public?: string[]; flags?: string[]; limits?: string[] };
}

/** The schema document of the wire: one object schema a tier, whose properties are the keys. */
export interface WireSchema {
  type: 'object';
  properties: {
    publicConfigSchema: TierSchema;
    secretConfigSchema: TierSchema;
    featureFlagSchema: TierSchema;
    limitsSchema: TierSchema;
  };
}

/** One tier of a {@link WireSchema}. */
export interface TierSchema {
  type: 'object';
  properties: Record<string, JsonSchema>;
}

/** A JSON Schema (draft 2020-12) of one key. */
export type JsonSchema = { [keyword: string]: JsonValue };
