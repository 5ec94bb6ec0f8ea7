import type { JsonSchema, JsonValue } from '@smooai/config';
import { expect, it, onTestFinished } from 'vitest';
import type { CheckJob, SchemaVerdict } from './check-job.ts';
import { CheckThread, type JobEnd } from './check-thread.ts';

const MUCH_MS = 60_000;

function startThread(memoryMb?: number): CheckThread {
  const thread = new CheckThread(memoryMb);
  onTestFinished(() => thread.stop());
  return thread;
}

function jobOf(schema: JsonSchema, values: readonly JsonValue[]): CheckJob {
  const texts = values.map((value) => JSON.stringify(value));
  return { kind: 'schema', isNew: false, schemas: [{ text: JSON.stringify(schema), values: texts }] };
}

function resultOf(end: JobEnd): unknown {
  if (end.state !== 'done') throw new Error(`The job was stopped because of its ${end.cause}.`);
  return end.result;
}

/** Which of the values pass. */
async function passing(schema: JsonSchema, values: readonly JsonValue[]): Promise<boolean[]> {
  const end = await startThread().run(jobOf(schema, values), MUCH_MS);
  const [verdict] = resultOf(end) as SchemaVerdict[];
  if (typeof verdict !== 'object') throw new Error('The schema is unusable.');
  return verdict.map((issue) => issue === null);
}

it('accepts the same URLs as the schema libraries, even after many checks', async () => {
  // Many times, because Node 20 has functions whose result changes once they are optimized.
  const urls = [
    ...Array<string>(20_000).fill('https://münchen.de/straße'),
    'postgres://user:pass@host/name of db',
  ];
  const results = await passing({ type: 'string', format: 'uri' }, [...urls, 'example.com']);
  expect(results.indexOf(false)).toBe(urls.length);
});

it('accepts decimal multiples of a decimal step', async () => {
  expect(await passing({ type: 'number', multipleOf: 0.1 }, [0.3, 0.35])).toEqual([true, false]);
});

it.each<[JsonSchema, JsonValue]>([
  [{ const: { toString: 1 } }, { toString: 1 }],
  [{ enum: [{ valueOf: 1 }] }, { valueOf: 1 }],
  [{ enum: [{ valueOf: 'a' }] }, { valueOf: 'b' }],
  [{ uniqueItems: true }, [{ toString: null }, { toString: null }]],
])(
  'refuses a value that ajv cannot compare, without the error of an earlier value: %j',
  async (schema, value) => {
    const job = jobOf({ ...schema, type: ['object', 'array'] }, ['earlier', value]);
    const end = await startThread().run(job, MUCH_MS);
    expect(resultOf(end)).toEqual([
      [
        { pointer: '', reason: 'must be an object or an array' },
        { pointer: '', reason: 'does not match its schema' },
      ],
    ]);
  },
);

it('a validator that returns a promise refuses every value and ends no thread', async () => {
  const thread = startThread();
  for (const value of ['sk_hidden', 5]) {
    const end = await thread.run(jobOf({ $async: true, type: 'number' }, [value]), MUCH_MS);
    expect(resultOf(end)).toEqual([[{ pointer: '', reason: 'does not match its schema' }]]);
  }
  expect(thread.isUsable).toBe(true);
});

it('names the schema and value that it was stopped at because of their time', async () => {
  const slow = { type: 'string', pattern: '^(a+)+$' };
  const job: CheckJob = {
    kind: 'schema',
    isNew: false,
    schemas: [
      { text: '{}', values: ['1'] },
      { text: JSON.stringify(slow), values: ['"a"', JSON.stringify(`${'a'.repeat(40)}!`)] },
    ],
  };
  const thread = startThread();
  const end = await thread.run(job, 1_000);
  expect(end).toMatchObject({ state: 'stopped', cause: 'time', at: { schema: 1, value: 1 } });
  expect(end.usedMs).toBeGreaterThanOrEqual(1_000);
  expect(thread.isUsable).toBe(false);
});

it('names the schema that it was stopped at because of its memory', async () => {
  const anyOf = Array.from({ length: 40_000 }, (_, index) => ({ minimum: index }));
  const end = await startThread(40).run(jobOf({ anyOf }, [-1]), MUCH_MS);
  expect(end).toMatchObject({ state: 'stopped', cause: 'memory', at: { schema: 0, value: -1 } });
});

it('compiles a schema of many references to a schema of many properties without a copy for each', async () => {
  const names = Array.from({ length: 300 }, (_, index) => `p${index}`);
  const all = (schema: JsonSchema): JsonSchema =>
    ({ type: 'object', properties: Object.fromEntries(names.map((name) => [name, schema])) }) as JsonSchema;
  const schema = { ...all({ $ref: '#/$defs/d' }), $defs: { d: all({ type: 'string' }) } } as JsonSchema;
  const end = await startThread().run(jobOf(schema, [{ p7: { p8: 'text' } }, { p7: { p8: 1 } }]), MUCH_MS);
  expect(resultOf(end)).toEqual([[null, { pointer: '/p7/p8', reason: 'must be a string' }]]);
});
