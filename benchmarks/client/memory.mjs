// Forked with --expose-gc: the memory of the schema and of a client with many keys, beside the parsed JSON of the values.
import { configOf, keysOf, rulesetOf } from './schema.mjs';

const keys = keysOf(Number(process.env.KEYS));
const core = await import('../../packages/core/dist/index.js');
const { createConfigClient } = await import('../../packages/core/dist/server.js');
const json = JSON.stringify(rulesetOf(keys, 1));
const source = {
  start: async (sink) => {
    sink.replace(JSON.parse(json));
    sink.confirm();
  },
  stop: () => undefined,
};
const warmUp = configOf(keysOf(40), core);
const empty = heapBytes();
const parsed = JSON.parse(json);
const floor = heapBytes() - empty;
const before = heapBytes();
const config = configOf(keys, core);
const schema = heapBytes() - before;
const middle = heapBytes();
const client = await createConfigClient({ config, source }).ready();
const values = heapBytes() - middle;
// Keeps all of it alive until here.
const held = [parsed, config, client, warmUp].length;
process.send({ floor, schema, client: values, held }, () => process.exit());

function heapBytes() {
  for (let turn = 0; turn < 4; turn += 1) globalThis.gc();
  return process.memoryUsage().heapUsed;
}
