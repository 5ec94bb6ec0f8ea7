import { once } from 'node:events';
import { get, type IncomingMessage, type RequestOptions } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';

interface Change {
  tier: string;
  key: string;
  value: number;
}

/** What a watcher needs to open its stream. */
export interface WatcherOptions {
  /** The URL of the stream, with its query. */
  url: string;
  token: string;
  /** Called with each change, at the time at which it arrived. */
  onChange?: (change: Change, atMs: number) => void;
}

/**
 * A client of the ruleset stream that resumes with its last revision, as the protocol asks. It notes each violation: a
 * revision that goes back, or a gap.
 */
export class StreamWatcher {
  readonly violations: string[] = [];
  /** The newest public values. */
  values: Record<string, number> = {};
  revision = -1;
  epochs = 0;
  connections = 0;
  /** The times without a stream after the first one, by `performance.now()`. */
  readonly gaps: { fromMs: number; toMs: number }[] = [];
  readonly #options: WatcherOptions;
  readonly #stop = new AbortController();
  #epoch: string | undefined;
  readonly #done: Promise<void>;

  constructor(options: WatcherOptions) {
    this.#options = options;
    this.#done = this.#run();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#done;
  }

  async #run(): Promise<void> {
    let lostAtMs: number | undefined;
    while (!this.#stop.signal.aborted) {
      try {
        await this.#read(() => {
          if (lostAtMs !== undefined && this.connections > 1)
            this.gaps.push({ fromMs: lostAtMs, toMs: performance.now() });
          lostAtMs = undefined;
        });
      } catch {
        // Refused or cut off: it tries again.
      }
      lostAtMs ??= performance.now();
      await delay(50 + Math.random() * 100);
    }
  }

  async #read(opened: () => void): Promise<void> {
    const { url, token } = this.#options;
    const response = await openStream(this.#epoch === undefined ? url : `${url}&epoch=${this.#epoch}`, {
      headers: {
        authorization: `Bearer ${token}`,
        ...(this.revision < 0 ? {} : { 'last-event-id': String(this.revision) }),
      },
      signal: this.#stop.signal,
    });
    if (response.statusCode !== 200) {
      response.destroy();
      return;
    }
    this.connections += 1;
    opened();
    let text = '';
    for await (const chunk of response.setEncoding('utf8')) {
      const blocks = `${text}${chunk}`.split('\n\n');
      text = blocks.pop() ?? '';
      for (const block of blocks) this.#event(block);
    }
  }

  #event(block: string): void {
    const field = (name: string): string | undefined => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1];
    const data = field('data');
    if (data === undefined) return;
    const body = JSON.parse(data);
    const revision = Number(body.revision);
    if (field('event') === 'ruleset') this.#ruleset(body, revision);
    else this.#change(body, revision);
  }

  #ruleset(body: { epoch: string; public: Record<string, number> }, revision: number): void {
    if (body.epoch !== this.#epoch) this.epochs += 1;
    else if (revision < this.revision) this.violations.push(`ruleset ${this.revision} → ${revision}`);
    this.#epoch = body.epoch;
    this.revision = revision;
    this.values = { ...body.public };
  }

  #change(body: { previousRevision: string; changes: Change[] }, revision: number): void {
    if (revision <= this.revision) this.violations.push(`change ${this.revision} → ${revision}`);
    else if (Number(body.previousRevision) !== this.revision) {
      this.violations.push(`gap ${this.revision} → ${body.previousRevision}, ${revision}`);
    }
    this.revision = revision;
    const atMs = performance.now();
    for (const change of body.changes) {
      this.values[change.key] = change.value;
      this.#options.onChange?.(change, atMs);
    }
  }
}

/** Opens a stream without `fetch`, which takes twice the CPU: hundreds of watchers share the machine with the servers. */
async function openStream(url: string, options: RequestOptions): Promise<IncomingMessage> {
  const [response] = await once(get(url, { ...options, agent: false }), 'response');
  return response;
}
