import type { INestApplication, ModuleMetadata } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { onTestFinished } from 'vitest';

/** An application that listens on a free port and closes when the test ends. */
export interface RunningApp {
  app: INestApplication;
  get: (path: string, init?: RequestInit) => Promise<{ status: number; body: unknown }>;
}

export async function startApp(metadata: ModuleMetadata): Promise<RunningApp> {
  const module = await Test.createTestingModule(metadata).compile();
  const app = module.createNestApplication({ logger: false });
  onTestFinished(() => app.close());
  await app.listen(0, '127.0.0.1');
  const url = await app.getUrl();
  return {
    app,
    async get(path, init = {}) {
      const response = await fetch(url + path, { signal: AbortSignal.timeout(5_000), ...init });
      const text = await response.text();
      const isJson = response.headers.get('content-type')?.includes('json') === true;
      return { status: response.status, body: isJson ? JSON.parse(text) : text };
    },
  };
}
