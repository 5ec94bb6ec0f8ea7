import * as React from 'react';
import { detectorKey } from './detector-key.ts';

/** React's taint API, which exists where `experimental.taint` of next.config is on. */
interface TaintApi {
  experimental_taintUniqueValue?: (message: string, lifetime: object, value: string) => void;
  experimental_taintObjectReference?: (message: string, object: object) => void;
}

/** The values that are marked. Once is enough, and React would keep an entry of its own for each further call. */
const guarded = new Set<unknown>();

/**
 * Marks a secret that was read, so that a leak is noticed: React throws if it is passed to a client component, where its taint
 * API is on; and under `next dev` with `withSmooConfig`, responses and logs are watched for it.
 */
export function guardSecret<Value>(key: string, value: Value): Value {
  if (guarded.has(value)) return value;
  guarded.add(value);
  const taint: TaintApi = React;
  const message = `The secret "${key}" must not be passed to a client component. Use it on the server only.`;
  if (typeof value === 'string') taint.experimental_taintUniqueValue?.(message, globalThis, value);
  else if (isObject(value)) taint.experimental_taintObjectReference?.(message, value);
  (globalThis as Record<symbol, SecretWatch | undefined>)[detectorKey]?.addRead(key, value);
  return value;
}

interface SecretWatch {
  addRead(key: string, value: unknown): void;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
