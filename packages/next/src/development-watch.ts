import { ServerResponse } from 'node:http';
import { type DetectedSecret, findSecretValues, SecretDetector } from '@smooai/config/leak-scan';
import { detectorKey } from './detector-key.ts';
import type { SecretScanOptions } from './scan-options.ts';

type Write = (chunk: unknown, ...rest: unknown[]) => unknown;

/** Next.js evaluates next.config again when it changes: the detector stays. */
const shared = globalThis as Record<symbol, SecretDetector | undefined>;

/** Warns about values of secrets in the responses and logs of `next dev`. */
export async function watchDevelopment({ config, bundle }: SecretScanOptions): Promise<void> {
  const isWatched = shared[detectorKey] !== undefined;
  shared[detectorKey] ??= new SecretDetector();
  const detector = shared[detectorKey];
  detector.add(await findSecretValues(config, { envFolder: process.cwd(), bundle }));
  if (isWatched) return;
  const warn = process.stderr.write.bind(process.stderr);
  watchResponses(detector, warn);
  for (const stream of [process.stdout, process.stderr]) watchLog(stream, detector, warn);
}

function watchResponses(detector: SecretDetector, warn: (text: string) => unknown): void {
  const streams = new WeakMap<ServerResponse, ReturnType<SecretDetector['stream']>>();
  const methods = ServerResponse.prototype as unknown as Record<'write' | 'end', Write>;
  for (const name of ['write', 'end'] as const) {
    const original = methods[name];
    methods[name] = function (this: ServerResponse, chunk: unknown, ...rest: unknown[]) {
      const push = streams.get(this) ?? detector.stream();
      streams.set(this, push);
      for (const secret of push(bytesOf(chunk))) {
        warn(
          ` ⚠ ${this.req.method} ${pathOf(this, detector)} sent ${described(secret)}. ${RESPONSE_ADVICE}\n`,
        );
      }
      return Reflect.apply(original, this, [chunk, ...rest]);
    };
  }
}

const RESPONSE_ADVICE =
  'Look for a prop of a client component, the result of a server action, an error message, or the JSON of a route handler.';

function watchLog(
  stream: NodeJS.WriteStream,
  detector: SecretDetector,
  warn: (text: string) => unknown,
): void {
  const original = stream.write.bind(stream) as Write;
  stream.write = ((chunk: unknown, ...rest: unknown[]) => {
    // Each write is a text of its own.
    const found = detector.stream()(bytesOf(chunk));
    const written = original(chunk, ...rest);
    for (const secret of found) warn(` ⚠ The log line above contains ${described(secret)}.\n`);
    return written;
  }) as typeof stream.write;
}

function described({ key, form }: DetectedSecret): string {
  return `the value of the secret "${key}"${form === 'plain' ? '' : ` (${form})`}`;
}

/** Without the query, which may contain anything, and without a value in the path. */
function pathOf({ req }: ServerResponse, detector: SecretDetector): string {
  const path = (req.url ?? '').split('?', 1)[0] ?? '';
  return detector.stream()(bytesOf(path)).length === 0 ? path : '[a path with the value]';
}

function bytesOf(chunk: unknown): Uint8Array {
  if (typeof chunk === 'string') return Buffer.from(chunk);
  return chunk instanceof Uint8Array ? chunk : new Uint8Array();
}
