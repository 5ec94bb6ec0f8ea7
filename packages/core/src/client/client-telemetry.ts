import { markAsWrapper, unpatchedFetch } from '../http/unpatched-fetch.ts';
import { callGuarded } from '../lib/guarded-call.ts';
import type { ValueOrigin } from '../ruleset/value-layers.ts';
import type { TokenEvent } from '../token/token-monitor.ts';
import { createTokenTelemetry, type TokenMeter, type TokenTracer } from '../token/token-telemetry.ts';

type Attributes = Record<string, string | number | boolean>;

/** The part of a `Meter` of `@opentelemetry/api` that is used. */
export type ConfigMeter = TokenMeter;

/** The part of a `Tracer` of `@opentelemetry/api` that is used. */
export interface ConfigTracer extends TokenTracer {
  startSpan(
    name: string,
    options?: { kind?: number; startTime?: number; attributes?: Attributes },
  ): {
    setStatus(status: { code: number }): unknown;
    setAttribute(name: string, value: string | number | boolean): unknown;
    addEvent(name: string, attributes?: Record<string, string | number | boolean | string[]>): unknown;
    end(endTime?: number): void;
  };
}

/** Set either or both. This package never imports OpenTelemetry itself. */
export interface ConfigTelemetryOptions {
  /** From `metrics.getMeter()`. */
  meter?: ConfigMeter | undefined;
  /** From `trace.getTracer()`. */
  tracer?: ConfigTracer | undefined;
}

/** `SpanKind.CLIENT` and `SpanStatusCode.ERROR`. These numbers are part of the stable API, so no import is needed. */
const KIND_CLIENT = 2;
const STATUS_ERROR = 2;

/** Reports one client: a span per fetch and per change, and counters of reads, changes and token exchanges. */
export class ClientTelemetry {
  readonly #tracer: ConfigTracer | undefined;
  readonly #reads: ReturnType<ConfigMeter['createCounter']> | undefined;
  readonly #changes: ReturnType<ConfigMeter['createCounter']> | undefined;
  readonly #onTokenEvent: (event: TokenEvent) => void;
  /** One object per combination of tier and origin, so that a read does not allocate one. */
  readonly #readAttributes = new Map<string, Attributes>();

  constructor(options: ConfigTelemetryOptions) {
    const { meter, tracer } = options;
    this.#tracer = tracer;
    this.#reads = meter?.createCounter('smooai.config.reads', {
      description: 'Values that were read, by tier and origin.',
    });
    this.#changes = meter?.createCounter('smooai.config.changes', {
      description: 'Changes that were applied.',
    });
    this.#onTokenEvent = createTokenTelemetry(options);
  }

  get countsReads(): boolean {
    return this.#reads !== undefined;
  }

  /** Counts one read. Never throws. */
  read(tier: string, origin: ValueOrigin): void {
    const name = `${tier} ${origin}`;
    let attributes = this.#readAttributes.get(name);
    if (attributes === undefined) {
      attributes = { 'smooai.config.tier': tier, 'smooai.config.origin': origin };
      this.#readAttributes.set(name, attributes);
    }
    try {
      this.#reads?.add(1, attributes);
    } catch {
      // A meter that throws must not make a read throw.
    }
  }

  /** Reports an applied change: names of keys, never values. */
  changed(change: { revision: string; keys: readonly string[] }): void {
    callGuarded(() => this.#changes?.add(1));
    callGuarded(() => {
      const span = this.#tracer?.startSpan('config change');
      span?.addEvent('smooai.config.changed', {
        'smooai.config.revision': change.revision,
        'smooai.config.keys': [...change.keys],
      });
      span?.end();
    });
  }

  token(event: TokenEvent): void {
    this.#onTokenEvent(event);
  }

  /**
   * Wraps a `fetch` so that each call has a span, which ends when the response headers arrive. No header, body or
   * query is recorded.
   */
  tracedFetch(fetch: typeof globalThis.fetch | undefined): typeof globalThis.fetch | undefined {
    const tracer = this.#tracer;
    if (tracer === undefined) return fetch;
    const traced: typeof globalThis.fetch = async (input, init) => {
      const span = tracer.startSpan('config fetch', {
        kind: KIND_CLIENT,
        attributes: attributesOf(input, init),
      });
      try {
        const response = await (fetch ?? unpatchedFetch)(input, init);
        span.setAttribute('http.response.status_code', response.status);
        if (response.status >= 400) span.setStatus({ code: STATUS_ERROR });
        return response;
      } catch (error) {
        // The message is left out: it is not under our control, and may contain anything.
        span.setAttribute('error.type', error instanceof Error ? error.name : 'unknown');
        span.setStatus({ code: STATUS_ERROR });
        throw error;
      } finally {
        span.end();
      }
    };
    return fetch === undefined ? markAsWrapper(traced) : traced;
  }
}

function attributesOf(input: Parameters<typeof fetch>[0], init: RequestInit | undefined): Attributes {
  const attributes: Attributes = { 'http.request.method': init?.method ?? 'GET' };
  const text = typeof input === 'string' ? input : input instanceof URL ? input.href : input.url;
  try {
    const { pathname, host } = new URL(text);
    attributes['server.address'] = host;
    attributes['url.path'] = pathname;
  } catch {
    // A relative URL may be valid for a custom `fetch`. It is reported without its parts.
  }
  return attributes;
}
