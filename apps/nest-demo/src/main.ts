import 'reflect-metadata';
import { Logger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { isConfigError } from '@smooai/config';
import { AppModule } from './app.module.ts';
import { serveOpenApi } from './openapi.ts';
import { securityHeaders } from './security-headers.ts';

const DEFAULT_PORT = 3100;

async function start(): Promise<void> {
  const app = await NestFactory.create<NestExpressApplication>(AppModule, {
    logger: ['log', 'warn', 'error'],
    abortOnError: false,
    // Buffered until the application listens: a failed start is reported below instead.
    bufferLogs: true,
    autoFlushLogs: false,
  });
  app.disable('x-powered-by');
  app.use(securityHeaders);
  serveOpenApi(app);
  app.enableShutdownHooks(['SIGINT', 'SIGTERM']);
  await app.listen(portOf(process.env.PORT), process.env.HOST || '127.0.0.1');
  app.flushLogs();
  new Logger('Shop').log(`The shop's API listens on ${await app.getUrl()}`);
}

function portOf(text: string | undefined): number {
  if (text === undefined || text.trim() === '') return DEFAULT_PORT;
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new Error(`PORT must be a number from 0 to 65535, got "${text}".`);
}

try {
  await start();
} catch (error) {
  // The client's errors list what is missing; a stack would only hide that.
  const isPlain = isConfigError(error) || (error instanceof Error && 'syscall' in error);
  const text =
    error instanceof Error ? (isPlain ? error.message : (error.stack ?? error.message)) : String(error);
  process.stderr.write(`The shop's API did not start. ${text}\n`);
  process.exit(1);
}
