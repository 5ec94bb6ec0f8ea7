// Forked: serves one candidate, and reports the CPU time that its requests took.
import { load } from './nest.mjs';

await load('reflect-metadata');
const { Module } = await load('@nestjs/common');
const { NestFactory } = await load('@nestjs/core');
const { candidates } = await import('./candidates.mjs');

class AppModule {}
const { use, ...metadata } = await candidates[process.env.CANDIDATE]();
Module(metadata)(AppModule);

const app = await NestFactory.create(AppModule, { logger: false });
if (use !== undefined) app.use(use);
app.enableShutdownHooks();
await app.listen(0, '127.0.0.1');
process.send({ port: app.getHttpServer().address().port });
process.on('message', () => {
  const { user, system } = process.cpuUsage();
  process.send({ cpuMs: (user + system) / 1000 });
});
process.on('disconnect', () => process.exit());
