import {
  ErrorCode,
  type FlagMetadata,
  type ResolutionDetails,
  type ResolutionReason,
  StandardResolutionReasons,
} from '@openfeature/core';
import type { EvaluationSource } from '@smooai/config';
import type { ProviderOptions } from './provider-options.ts';
import type { VariantNames } from './variant-names.ts';

/** The types that the SDK's resolvers ask for. */
export type ValueType = 'boolean' | 'string' | 'number' | 'object';

/** A flag, limit or public value, as our client or a snapshot gives it. */
export interface FoundValue {
  value: unknown;
  source: EvaluationSource;
  matchedRuleId?: string;
  rolloutBucket?: number;
  /** Why `value` is not the newest stored one. */
  errorCode?: string;
}

/** How current the values of the provider are. */
export interface ValuesState {
  revision: string | undefined;
  environment: string | undefined;
  /** `stale`: the connection is lost. `cached`: the value comes from a copy of an earlier run. */
  age: 'live' | 'stale' | 'cached';
}

/** What the SDK asked for. */
export interface ResolutionRequest<Value> {
  key: string;
  type: ValueType;
  defaultValue: Value;
}

const REASONS: Readonly<Record<EvaluationSource, ResolutionReason>> = {
  raw: StandardResolutionReasons.STATIC,
  rule: StandardResolutionReasons.TARGETING_MATCH,
  rollout: StandardResolutionReasons.SPLIT,
  default: StandardResolutionReasons.DEFAULT,
};

const UNAVAILABLE: Readonly<Record<string, [code: ErrorCode, message: string]>> = {
  ERR_NOT_READY: [ErrorCode.PROVIDER_NOT_READY, 'has no value yet: the client is not ready'],
  ERR_VALUE_INVALID: [ErrorCode.PARSE_ERROR, 'has a stored value that its schema rejects, and no default'],
};

/** Maps values of our client to results of the SDK, as the table in the README says. */
export class ResolutionMapper {
  readonly #names: VariantNames;
  readonly #flagMetadata: ProviderOptions['flagMetadata'];

  constructor(names: VariantNames, { flagMetadata }: ProviderOptions) {
    this.#names = names;
    this.#flagMetadata = flagMetadata;
  }

  /** @param found - undefined if no flag, limit or public value has that key. */
  resolve<Value>(
    request: ResolutionRequest<Value>,
    found: FoundValue | undefined,
    state: ValuesState,
  ): ResolutionDetails<Value> {
    const { key, type, defaultValue } = request;
    if (found === undefined || found.errorCode === 'ERR_KEY_UNKNOWN') {
      return failed(request, ErrorCode.FLAG_NOT_FOUND, 'is not a flag, limit or public value in the schema');
    }
    const { value, errorCode } = found;
    if (errorCode === 'ERR_NOT_READY' || (errorCode !== undefined && value === undefined)) {
      const [code, message] = UNAVAILABLE[errorCode] ?? [
        ErrorCode.FLAG_NOT_FOUND,
        'has no value and no default',
      ];
      return failed(request, code, message);
    }
    const flagMetadata = this.#metadataOf(key, found, state);
    if (value === undefined) {
      return { value: defaultValue, reason: StandardResolutionReasons.DEFAULT, flagMetadata };
    }
    if (!isOfType(value, type)) {
      const message = `has a value of type ${typeName(value)}, not ${type}: read it with the method for that type`;
      return { ...failed(request, ErrorCode.TYPE_MISMATCH, message), flagMetadata };
    }
    const variant = this.#names.nameOf(key, value);
    return {
      value: value as Value,
      reason: reasonOf(found, state),
      flagMetadata,
      ...(variant !== undefined && { variant }),
    };
  }

  #metadataOf(key: string, found: FoundValue, { revision, environment }: ValuesState): FlagMetadata {
    const metadata: FlagMetadata = {};
    if (revision !== undefined) metadata.revision = revision;
    if (environment !== undefined) metadata.environment = environment;
    if (found.matchedRuleId !== undefined) metadata.ruleId = found.matchedRuleId;
    if (found.rolloutBucket !== undefined) metadata.bucket = found.rolloutBucket;
    if (found.errorCode !== undefined) metadata.errorCode = found.errorCode;
    return this.#flagMetadata === undefined ? metadata : this.#flagMetadata(key, metadata);
  }
}

function reasonOf({ source, errorCode }: FoundValue, { age }: ValuesState): ResolutionReason {
  if (age === 'cached') return StandardResolutionReasons.CACHED;
  // A stored value with an error is the last valid one before it.
  if (age === 'stale' || (errorCode !== undefined && source === 'raw'))
    return StandardResolutionReasons.STALE;
  return REASONS[source];
}

function failed<Value>(
  { key, defaultValue }: ResolutionRequest<Value>,
  errorCode: ErrorCode,
  what: string,
): ResolutionDetails<Value> {
  return {
    value: defaultValue,
    reason: StandardResolutionReasons.ERROR,
    errorCode,
    errorMessage: `"${key}" ${what}.`,
  };
}

function isOfType(value: unknown, type: ValueType): boolean {
  if (type !== 'object') return typeof value === type;
  if (typeof value !== 'object' || value === null) return false;
  // An instance of a class, such as a Date that the schema makes, is not the JSON that the SDK promises.
  const prototype: unknown = Object.getPrototypeOf(value);
  return Array.isArray(value) || prototype === Object.prototype || prototype === null;
}

function typeName(value: unknown): string {
  if (value === null) return 'null';
  return typeof value === 'object' ? (value.constructor?.name ?? 'object') : typeof value;
}
