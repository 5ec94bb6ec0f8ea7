import type { ExecutionContext } from '@nestjs/common';
import type { EvaluationContext } from '@smooai/config';
import { requestOf } from '@smooai/config-nestjs';
import { isCountryCode } from '@smooai-demo/demo-schema/countries';

/** The visitor that flags and limits are evaluated for. */
export interface Visitor {
  country: string;
  userId: string | undefined;
}

/** The parts of a request that identify the visitor. */
export interface VisitorRequest {
  headers: Readonly<Record<string, string | string[] | undefined>>;
  query: Readonly<Record<string, unknown>>;
}

/** Reads the visitor from the headers `x-country` and `x-user-id`, else from the query's `country` and `userId`. */
export function visitorOf(request: VisitorRequest): Visitor {
  const { headers, query } = request;
  const country = short(headers['x-country'] ?? query.country)?.toUpperCase();
  return {
    country: isCountryCode(country) ? country : 'NL',
    userId: short(headers['x-user-id'] ?? query.userId),
  };
}

/** Returns the evaluation context of a call, for `SmooConfigModule`. */
export function visitorContext(executionContext: ExecutionContext): EvaluationContext {
  return contextOf(visitorOf(requestOf<VisitorRequest>(executionContext)));
}

/** Returns the evaluation context of a visitor. */
export function contextOf({ country, userId }: Visitor): EvaluationContext {
  return userId === undefined ? { country } : { country, userId };
}

function short(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  const text = value.trim().slice(0, 64);
  return text === '' ? undefined : text;
}
