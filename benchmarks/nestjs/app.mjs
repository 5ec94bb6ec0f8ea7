// Forked: serves one candidate, and reports the CPU time that its requests took.
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { candidates } from './candidates.mjs';

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
