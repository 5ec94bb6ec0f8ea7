import { type Attributes, createNoopMeter, metrics, type SpanOptions, trace } from '@opentelemetry/api';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createTokenTelemetry, type TokenMeter, type TokenTracer } from '../server.ts';
import { failureOf, settle, setUp, tokenResponse } from '../test-support/token-fixture.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** A meter and a tracer that record their calls. */
function recorder() {
  const recorded: [string, ...unknown[]][] = [];
  const meter: TokenMeter = {
    createCounter: (name) => ({ add: (value, attributes) => void recorded.push([name, value, attributes]) }),
    createHistogram: (name) => ({
      record: (value, attributes) => void recorded.push([name, value, attributes]),
    }),
  };
  const tracer: TokenTracer = {
    startSpan: (name: string, options?: SpanOptions & { startTime?: number; attributes?: Attributes }) => {
      recorded.push([name, options?.attributes, options?.kind]);
      return {
        setStatus: ({ code }: { code: number }) => recorded.push(['status', code]),
        end: (endTime) => void recorded.push(['end', (endTime ?? 0) - (options?.startTime ?? 0)]),
      };
    },
  };
  return { recorded, meter, tracer };
}

describe('createTokenTelemetry', () => {
  it('accepts the meter and tracer of the OpenTelemetry API', async () => {
    const onEvent = createTokenTelemetry({
      meter: metrics.getMeter('test'),
      tracer: trace.getTracer('test'),
    });
    const { provider } = setUp([tokenResponse('t1')], { onEvent });
    expect(await provider.getAccessToken()).toBe('t1');
    createTokenTelemetry({ meter: createNoopMeter() })({ type: 'invalidated' });
  });

  it('records attempts, stale tokens and invalidations, without values', async () => {
    const { recorded, meter, tracer } = recorder();
    const onEvent = createTokenTelemetry({ meter, tracer });
    const { provider, fetch } = setUp([new Response('', { status: 503 })], { onEvent });
    await failureOf(provider.getAccessToken());
    const background = { 'smooai.config.token.background': false };
    const failed = {
      ...background,
      'error.type': 'ERR_TOKEN_REJECTED',
      'http.response.status_code': 503,
    };
    expect(recorded.splice(0)).toEqual([
      ['smooai.config.token.exchange.duration', 0, failed],
      ['token exchange', { ...failed, 'smooai.config.token.attempt': 1 }, 2],
      ['status', 2],
      ['end', 0],
    ]);
    fetch.mockImplementation(async () => {
      await new Promise((resolve) => setTimeout(resolve, 250));
      return tokenResponse('token-of-test');
    });
    const call = provider.getAccessToken();
    await vi.advanceTimersByTimeAsync(250);
    await call;
    expect(recorded.splice(0)).toEqual([
      ['smooai.config.token.exchange.duration', 0.25, background],
      ['token exchange', { ...background, 'smooai.config.token.attempt': 1 }, 2],
      ['end', 250],
    ]);
    vi.advanceTimersByTime(3_560_000);
    await provider.getAccessToken();
    await settle();
    provider.invalidate();
    expect(recorded.map(([name]) => name)).toEqual([
      'smooai.config.token.served_stale',
      'smooai.config.token.invalidations',
    ]);
    expect(JSON.stringify(recorded)).not.toMatch(/token-of-test|s3cret/);
  });
});
