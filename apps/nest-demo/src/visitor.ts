import type { ExecutionContext } from '@nestjs/common';
import type { EvaluationContext } from '@smooai/config';

/** Where the shop delivers. */
export const countries = [
  { code: 'NL', name: 'Netherlands' },
  { code: 'BE', name: 'Belgium' },
  { code: 'DE', name: 'Germany' },
  { code: 'FR', name: 'France' },
  { code: 'GB', name: 'United Kingdom' },
  { code: 'US', name: 'United States' },
] as const;

/** Who flags and limits are evaluated for. */
export interface Visitor {
  country: string;
  userId: string | undefined;
}

/** The parts of a request that tell the visitor. */
export interface VisitorRequest {
  headers: Readonly<Record<string, string | string[] | undefined>>;
  query: Readonly<Record<string, unknown>>;
}

/** The visitor of a request: headers `x-country` and `x-user-id`, else the query's `country` and `userId`. */
export function visitorOf(request: VisitorRequest): Visitor {
  const { headers, query } = request;
  const country = short(headers['x-country'] ?? query.country)?.toUpperCase();
  return {
    country: countries.some(({ code }) => code === country) ? (country ?? 'NL') : 'NL',
    userId: short(headers['x-user-id'] ?? query.userId),
  };
}

/** The context of a call, for `ConfigModule`. */
export function visitorContext(executionContext: ExecutionContext): EvaluationContext {
  return contextOf(visitorOf(executionContext.switchToHttp().getRequest<VisitorRequest>()));
}

/** A visitor as evaluation sees it. */
export function contextOf({ country, userId }: Visitor): EvaluationContext {
  return userId === undefined ? { country } : { country, userId };
}

function short(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  const text = value.trim().slice(0, 64);
  return text === '' ? undefined : text;
}
