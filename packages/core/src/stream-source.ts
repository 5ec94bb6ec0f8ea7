import { createParser } from 'eventsource-parser';
import { createBackoff, sleep, unref } from './backoff.ts';
import type { ConfigApi } from './config-api.ts';
import { ResponseMalformedError } from './errors.ts';
import { isRuleset, isRulesetPatch } from './ruleset-shape.ts';
import type { RulesetSink } from './ruleset-source.ts';

/** Options of {@link runStream}. */
export interface StreamOptions {
  api: ConfigApi;
  environment: string;
  sink: RulesetSink;
  signal: AbortSignal;
  /** The stream is given up when nothing, not even a heartbeat, came for so long; the server sends one each 15 s. */
  heartbeatTimeoutMs: number;
  /** Called when a connection delivers its first bytes. */
  onOpen: () => void;
  /** Called when a connection ended or could not be made, before the wait for the next. */
  onLost: (error: unknown) => void;
}

/** Longest wait between two attempts; the first ones follow within a second. */
const BACKOFF = { baseMs: 250, capMs: 15_000 };

/** Keeps one event stream open until the signal aborts, resuming after the newest revision. Never rejects. */
export async function runStream(options: StreamOptions): Promise<void> {
  const { signal, onLost } = options;
  const backoff = createBackoff(BACKOFF);
  while (!signal.aborted) {
    try {
      await readOneStream(options, () => backoff.reset());
      if (!signal.aborted) onLost(undefined);
    } catch (error) {
      if (!signal.aborted) onLost(error);
    }
    await sleep(backoff.next(), signal);
  }
}

async function readOneStream(options: StreamOptions, onProgress: () => void): Promise<void> {
  const { api, environment, sink, signal } = options;
  const connection = new AbortController();
  const abort = (): void => connection.abort();
  signal.addEventListener('abort', abort, { once: true });
  const watchdog = startWatchdog(options.heartbeatTimeoutMs, abort);
  try {
    const lastEventId = sink.revision;
    const body = await api.openStream(environment, {
      ...(lastEventId !== undefined && { lastEventId }),
      signal: connection.signal,
      retries: 0,
    });
    watchdog.touch();
    options.onOpen();
    await readEvents(body, sink, () => {
      watchdog.touch();
      onProgress();
    });
  } finally {
    watchdog.stop();
    signal.removeEventListener('abort', abort);
    connection.abort();
  }
}

async function readEvents(
  body: ReadableStream<Uint8Array>,
  sink: RulesetSink,
  onBytes: () => void,
): Promise<void> {
  const parser = createParser({ onEvent: (message) => dispatch(message.event, message.data, sink) });
  const decoder = new TextDecoder();
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      onBytes();
      parser.feed(decoder.decode(value, { stream: true }));
      sink.confirm();
    }
  } finally {
    reader.cancel().catch(() => undefined);
  }
}

function dispatch(event: string | undefined, data: string, sink: RulesetSink): void {
  if (event !== 'ruleset' && event !== 'change') return;
  const parsed = parseJson(data);
  if (event === 'ruleset' && isRuleset(parsed)) sink.replace(parsed);
  else if (event === 'change' && isRulesetPatch(parsed)) sink.patch(parsed);
  else
    throw new ResponseMalformedError(
      `The config stream sent a "${event}" event of another shape than the protocol's.`,
    );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's own message quotes the text, which may hold a secret.
    return undefined;
  }
}

function startWatchdog(timeoutMs: number, onTimeout: () => void): { touch(): void; stop(): void } {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const touch = (): void => {
    clearTimeout(timer);
    timer = setTimeout(onTimeout, timeoutMs);
    unref(timer);
  };
  touch();
  return { touch, stop: () => clearTimeout(timer) };
}
