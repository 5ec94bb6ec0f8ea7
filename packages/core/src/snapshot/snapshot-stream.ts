import { parseJson } from '../lib/json.ts';
import { isRecord } from '../lib/record.ts';
import type { Snapshot, SnapshotPatch } from '../wire.ts';
import { GROUPS, type SnapshotRefusal, type SnapshotStatus } from './snapshot-store.ts';

/** What a stream reports: an event with the status `live`, or another status. Empty for a heartbeat. */
export interface StreamReport {
  snapshot?: Snapshot;
  patch?: SnapshotPatch;
  status?: SnapshotStatus;
  refusal?: SnapshotRefusal | undefined;
}

/** Times of a stream, in milliseconds. */
export interface StreamTimes {
  /** The wait after the first failure. It doubles up to 30 s, with jitter. */
  retryMs: number;
  /** Silence after which the line counts as dead. */
  silenceMs: number;
}

/** An open stream. */
export interface SnapshotStream {
  close(): void;
  /** Connects again now if `isForced`, or if the line has been silent for too long, as after the machine has slept. */
  check(isForced: boolean): void;
}

const MAX_RETRY_MS = 30_000;

/**
 * Follows a stream of server-sent events over `fetch`, which can read the reason of a refusal and sees the heartbeats
 * of the server; `EventSource` hides both. It connects again after a lost connection, an HTTP error and silence.
 */
export function followStream(
  url: string,
  { retryMs, silenceMs }: StreamTimes,
  report: (report: StreamReport) => void,
): SnapshotStream {
  let current: AbortController | undefined;
  let timer: ReturnType<typeof setTimeout>;
  let heardAt: number;
  let failures = 0;

  const open = async (): Promise<void> => {
    current?.abort();
    const attempt = new AbortController();
    current = attempt;
    const alive = (): void => {
      heardAt = Date.now();
      clearTimeout(timer);
      timer = setTimeout(() => attempt.abort(), silenceMs);
    };
    let waitMs: number | undefined;
    let refusal: SnapshotRefusal | undefined;
    alive();
    try {
      const response = await fetch(url, {
        signal: attempt.signal,
        headers: { accept: TYPE },
        cache: 'no-store',
      });
      waitMs = Number(response.headers.get('retry-after')) * 1000;
      if (response.ok && response.headers.get('content-type')?.startsWith(TYPE)) {
        await readEvents(response, (event) => {
          alive();
          if (event.snapshot) failures = 0;
          report(event);
        });
      } else refusal = await refusalOf(response);
    } catch {
      // The connection failed, was lost or was given up.
    }
    if (current !== attempt) return;
    clearTimeout(timer);
    const backoffMs = retryMs * 2 ** failures++ * (0.5 + Math.random() / 2);
    const retry = Math.min(MAX_RETRY_MS, Math.max(waitMs || 0, backoffMs));
    timer = setTimeout(() => void open(), retry);
    const lost = globalThis.navigator?.onLine === false ? 'offline' : 'reconnecting';
    report({ status: refusal ? 'refused' : lost, refusal });
  };

  void open();
  return {
    close() {
      clearTimeout(timer);
      current?.abort();
      current = undefined;
    },
    check(isForced) {
      if (isForced || Date.now() - heardAt > silenceMs) void open();
    },
  };
}

const TYPE = 'text/event-stream';
/** Client errors, but for those that pass by themselves: 408, a timeout, and 429, too many requests. */
const REFUSED = /^4(?!08|29)/;

/** The reason of a refusal that does not pass by itself. */
async function refusalOf(response: Response): Promise<SnapshotRefusal | undefined> {
  const { status, ok } = response;
  if (!ok && !REFUSED.test(status as never)) return undefined;
  // An OpenAPI error of this server, or whatever another one sends.
  const { message, cause } = Object(ok ? { message: 'No event stream.' } : parseJson(await response.text()));
  return { status, message: [message, cause].filter(Boolean).join(' ') };
}

/** Reads server-sent events. Each chunk is reported first as empty. */
async function readEvents(response: Response, report: (event: StreamReport) => void): Promise<void> {
  const reader = (response.body as ReadableStream).pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const blocks = (text + value).split(/\r?\n\r?\n/);
    text = blocks.pop() ?? '';
    report({});
    for (const block of blocks) {
      let event = '';
      let data = '';
      // By line feeds alone: JSON may contain the other line ends of JavaScript, such as U+2028.
      for (const line of block.split('\n')) {
        if (line.startsWith('event:')) event = line.slice(6).trim();
        if (line.startsWith('data:')) data += line.slice(5);
      }
      const update = parseJson(data);
      if (/^(snapshot|patch)$/.test(event) && isUpdate(update, event === 'patch'))
        report({ [event]: update, status: 'live' });
    }
  }
}

/** Whether the data of an event is well-formed. A patch may leave out groups. */
export function isUpdate(data: unknown, isPatch: boolean): data is Snapshot {
  return (
    isRecord(data) &&
    typeof data.revision === 'string' &&
    GROUPS.every((group) => {
      const entries = data[group];
      if (entries === undefined) return isPatch;
      return isRecord(entries) && (group === 'public' || Object.values(entries).every(isRecord));
    })
  );
}
