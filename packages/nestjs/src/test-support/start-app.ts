import type { INestApplication, ModuleMetadata, NestApplicationOptions } from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { onTestFinished } from 'vitest';

/** An application that listens on a free port and closes when the test ends. */
export interface RunningApp {
  app: INestApplication;
  get: (path: string, init?: RequestInit) => Promise<{ status: number; body: unknown }>;
}

export type Platform = 'express' | 'fastify';

interface StartOptions {
  platform?: Platform;
  /** Called before the application listens. */
  prepare?: (app: INestApplication) => void;
  application?: Pick<NestApplicationOptions, 'moduleIdGeneratorAlgorithm' | 'instrument'>;
}

export async function startApp(metadata: ModuleMetadata, options: StartOptions = {}): Promise<RunningApp> {
  const { platform = 'express', prepare, application = {} } = options;
  const module = await Test.createTestingModule(metadata, application).setLogger(silent).compile();
  const app =
    platform === 'express'
      ? module.createNestApplication({ logger: false })
      : module.createNestApplication(new FastifyAdapter(), { logger: false });
  onTestFinished(() => app.close());
  prepare?.(app);
  await app.listen(0, '127.0.0.1');
  const url = await app.getUrl();
  return {
    app,
    async get(path, init = {}) {
      const response = await fetch(url + path, { signal: AbortSignal.timeout(60_000), ...init });
      const text = await response.text();
      const isJson = response.headers.get('content-type')?.includes('json') === true;
      return { status: response.status, body: isJson ? JSON.parse(text) : text };
    },
  };
}

export const silent: Record<'log' | 'error' | 'warn' | 'debug' | 'verbose', () => void> = {
  log() {},
  error() {},
  warn() {},
  debug() {},
  verbose() {},
};
