import { MetricsHook, SpanHook } from '@openfeature/open-telemetry-hooks';
import { OpenFeature } from '@openfeature/server-sdk';
import { metrics, trace } from '@opentelemetry/api';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { createTestClient } from '@smooai/config/testing';
import { expect, it, onTestFinished } from 'vitest';
import { SmooConfigProvider } from './server.ts';
import { shopConfig, targeted } from './test-support/shop-config.ts';

it('the official OpenTelemetry hooks report the variant, reason and revision of each evaluation', async () => {
  const spans = new InMemorySpanExporter();
  const tracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] });
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
  const meterProvider = new MeterProvider({ readers: [reader] });
  trace.setGlobalTracerProvider(tracerProvider);
  metrics.setGlobalMeterProvider(meterProvider);
  onTestFinished(async () => {
    OpenFeature.clearHooks();
    await OpenFeature.clearProviders();
    trace.disable();
    metrics.disable();
    await Promise.all([tracerProvider.shutdown(), meterProvider.shutdown()]);
  });
  const flags = { theme: targeted('dark', 'light') as never };
  const client = createTestClient({ config: shopConfig, flags, secrets: { paymentKey: 'hidden' } });
  await OpenFeature.setProviderAndWait(new SmooConfigProvider(client));
  OpenFeature.addHooks(new SpanHook(), new MetricsHook());
  const features = OpenFeature.getClient();
  await features.getStringValue('theme', 'none', { targetingKey: 'insider' });
  await features.getStringValue('paymentKey', 'none');

  const [found, refused] = spans.getFinishedSpans().map(({ attributes }) => attributes);
  expect(found).toMatchObject({
    'feature_flag.key': 'theme',
    'feature_flag.result.variant': 'night',
    'feature_flag.result.reason': 'targeting_match',
    'feature_flag.provider.name': 'smooai-config',
    'feature_flag.context.id': 'insider',
  });
  expect(refused).toMatchObject({ 'feature_flag.key': 'paymentKey', 'error.type': 'flag_not_found' });
  expect(JSON.stringify(refused)).not.toContain('hidden');
  await reader.forceFlush();
  const names = exporter
    .getMetrics()
    .flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics: all }) => all))
    .map(({ descriptor }) => descriptor.name);
  expect(names).toContain('feature_flag.evaluation_success_total');
  expect(names).toContain('feature_flag.evaluation_error_total');
});
