import type { RulesetSink, RulesetSource } from '../sources/ruleset-source.ts';
import type { Ruleset } from '../wire.ts';

/** A source that a test controls. */
export class ManualSource implements RulesetSource {
  sink: RulesetSink | undefined;
  starts = 0;
  stops = 0;
  /** The result of the next start; with `'nothing'` it stays pending until it is aborted. */
  next: Ruleset | Error | 'nothing';

  constructor(next: Ruleset | Error | 'nothing') {
    this.next = next;
  }

  start(sink: RulesetSink, signal: AbortSignal): Promise<void> {
    this.sink = sink;
    this.starts += 1;
    if (this.next === 'nothing') {
      return new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(new Error('no ruleset yet')));
      });
    }
    if (this.next instanceof Error) return Promise.reject(this.next);
    sink.replace(this.next);
    sink.status('stream');
    return Promise.resolve();
  }

  stop(): void {
    this.stops += 1;
  }
}
