import type { TokenEvent } from './token-monitor.ts';

type Attributes = Record<string, string | number | boolean>;

/** The part of OpenTelemetry's `Meter` that is used. */
export interface TokenMeter {
  createCounter(
    name: string,
    options?: { description?: string; unit?: string },
  ): { add(value: number, attributes?: Attributes): void };
  createHistogram(
    name: string,
    options?: { description?: string; unit?: string },
  ): { record(value: number, attributes?: Attributes): void };
}

/** The part of OpenTelemetry's `Tracer` that is used. */
export interface TokenTracer {
  startSpan(
    name: string,
    options?: { kind?: number; startTime?: number; attributes?: Attributes },
  ): { setStatus(status: { code: number }): unknown; end(endTime?: number): void };
}

/** Options of {@link createTokenTelemetry}: one or both, from `metrics.getMeter()` and `trace.getTracer()`. */
export interface TokenTelemetryOptions {
  meter?: TokenMeter | undefined;
  tracer?: TokenTracer | undefined;
}

/** `SpanKind.CLIENT` and `SpanStatusCode.ERROR`. They never change, so they need no import. */
const KIND_CLIENT = 2;
const STATUS_ERROR = 2;

/**
 * Creates an `onEvent` hook that reports to OpenTelemetry: a histogram of attempt durations in seconds, counters of
 * stale tokens and invalidations, and a span for each attempt. This package does not import OpenTelemetry.
 *
 * @example
 * const onEvent = createTokenTelemetry({ meter: metrics.getMeter('config'), tracer: trace.getTracer('config') });
 * const tokens = new TokenProvider({ authUrl, clientId, clientSecret, onEvent });
 */
export function createTokenTelemetry(options: TokenTelemetryOptions): (event: TokenEvent) => void {
  const { meter, tracer } = options;
  const durations = meter?.createHistogram('smooai.config.token.exchange.duration', {
    description: 'Duration of one attempt of a token exchange.',
    unit: 's',
  });
  const stale = meter?.createCounter('smooai.config.token.served_stale', {
    description: 'Times that an old token was served within its refresh window or after a failed refresh.',
  });
  const invalidations = meter?.createCounter('smooai.config.token.invalidations', {
    description: 'Tokens dropped because a server refused them.',
  });
  return (event) => {
    if (event.type === 'served-stale') stale?.add(1);
    if (event.type === 'invalidated') invalidations?.add(1);
    if (event.type !== 'exchange-succeeded' && event.type !== 'exchange-failed') return;
    const attributes = attributesOf(event);
    durations?.record(event.durationMs / 1000, attributes);
    if (tracer === undefined) return;
    const endTime = Date.now();
    const startTime = endTime - event.durationMs;
    const attempt = { ...attributes, 'smooai.config.token.attempt': event.attempt };
    const span = tracer.startSpan('token exchange', { kind: KIND_CLIENT, startTime, attributes: attempt });
    if (event.type === 'exchange-failed') span.setStatus({ code: STATUS_ERROR });
    span.end(endTime);
  };
}

function attributesOf(event: TokenEvent & { type: 'exchange-succeeded' | 'exchange-failed' }): Attributes {
  const attributes: Attributes = { 'smooai.config.token.background': event.isBackground };
  if (event.type === 'exchange-succeeded') return attributes;
  const { error } = event;
  attributes['error.type'] = error.code;
  if ('status' in error) attributes['http.response.status_code'] = error.status;
  return attributes;
}
