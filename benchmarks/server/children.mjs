import { fork } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';

/** A forked script, and what it said when it was ready. */
export async function start(script, variables = {}) {
  const env = { ...process.env };
  for (const [name, value] of Object.entries(variables)) env[name] = String(value);
  const child = fork(resolve(import.meta.dirname, script), { env, execArgv: ['--expose-gc'] });
  const failed = new Promise((_, reject) => {
    child.once('exit', (code) => reject(new Error(`${script} ended with ${code}`)));
  });
  failed.catch(() => undefined);
  const message = async () => (await Promise.race([once(child, 'message'), failed]))[0];
  const facts = await message();
  return {
    ...facts,
    order: async (name, parameters) => {
      child.send({ name, ...parameters });
      return (await message()).result;
    },
    last: async () => {
      child.send({});
      return message();
    },
    stop: () => child.kill(),
  };
}

/** Does some work while a process is measured, and while another one asks for its health. */
export async function measured(server, work) {
  const health = await start('health.mjs', { URL: server.url });
  await server.order('start');
  const startedAt = performance.now();
  const result = await work();
  const ms = performance.now() - startedAt;
  const used = await server.order('stop');
  const { median, longest } = await health.last();
  health.stop();
  return { result, ms, ...used, healthMs: median, healthLongestMs: longest };
}
