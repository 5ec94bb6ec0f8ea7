import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { OptionsError } from '../errors.ts';
import { defineConfig } from '../schema/define-config.ts';
import type { RulesetSink, RulesetSource } from '../sources/ruleset-source.ts';
import { ClientModel, EVENTS, type Event, type Setup } from '../test-support/client-state-model.ts';
import { rulesetOf } from '../test-support/ruleset.ts';
import { runs } from '../test-support/runs.ts';
import type { Ruleset } from '../wire.ts';
import type { ConfigClientEvent } from './client-options.ts';
import { createConfigClient } from './config-client.ts';

// Every event in every state, in every way to set a client up, against a model of the documented behaviour.

const config = defineConfig({
  public: { title: z.string().default('Shop') },
  secrets: { databaseUrl: z.url() },
  flags: { newCheckout: z.boolean().default(false) },
});

const BUNDLED = {
  none: undefined,
  usable: { defaults: { secrets: { databaseUrl: 'https://bundled.example' } } },
  unusable: { defaults: { public: { title: 'Bundled' } } },
};

const SETUPS: Setup[] = (['ready', 'background', 'lazy'] as const).flatMap((start) =>
  (['none', 'usable', 'unusable'] as const).map((local) => ({ start, local })),
);

/** A source whose starts end as the test says. */
class ScriptedSource implements RulesetSource {
  starts = 0;
  stops = 0;
  sink: RulesetSink | undefined;
  signal: AbortSignal | undefined;
  #settle: { resolve: () => void; reject: (error: Error) => void } | undefined;

  start(sink: RulesetSink, signal: AbortSignal): Promise<void> {
    this.starts += 1;
    this.sink = sink;
    this.signal = signal;
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
      signal.addEventListener('abort', () => reject(new Error('cancelled')));
    });
  }

  stop(): void {
    this.stops += 1;
  }

  succeed(ruleset: Ruleset): void {
    if (this.#settle === undefined) return;
    this.sink?.replace(ruleset);
    this.sink?.status('stream');
    this.#settle.resolve();
    this.#settle = undefined;
  }

  fail(error: Error): void {
    this.#settle?.reject(error);
    this.#settle = undefined;
  }
}

/** A client, the model that it must agree with, and what it has reported. */
class Play {
  readonly model: ClientModel;
  readonly #source = new ScriptedSource();
  readonly #events: ConfigClientEvent[] = [];
  readonly #outcomes: string[] = [];
  readonly #client: ReturnType<typeof createConfigClient<typeof config>>;
  #revision = 0;
  #closeCalls = 0;

  private constructor({ start, local }: Setup) {
    this.model = new ClientModel({ start, local });
    this.#client = createConfigClient({
      config,
      source: this.#source,
      start,
      bundled: BUNDLED[local],
      fallback: local === 'none' ? undefined : 'cached',
      overrides: false,
      onEvent: (event) => this.#events.push(event),
    });
    expect(this.#events).toEqual([]);
    this.#client.onClose(() => {
      this.#closeCalls += 1;
    });
  }

  static async begin(setup: Setup): Promise<Play> {
    const play = new Play(setup);
    // A start in the background begins once the caller has the client.
    await Promise.resolve();
    play.#check();
    return play;
  }

  async apply(event: Event): Promise<void> {
    this.model.apply(event);
    this.#apply(event);
    // Longer than the shortest call waits. All events together take less than the second before another attempt.
    await vi.advanceTimersByTimeAsync(event === 'a minute passes' ? 61_000 : 25);
    this.#check();
  }

  async end(): Promise<void> {
    await this.apply('close()');
    expect(vi.getTimerCount()).toBe(0);
  }

  #apply(event: Event): void {
    const source = this.#source;
    if (event === 'ready()') this.#ready(1e9);
    else if (event === 'ready() that times out') this.#ready(20);
    else if (event === 'a read') this.#client.flag('newCheckout');
    else if (event === 'the source starts with valid values') source.succeed(this.#ruleset(true));
    else if (event === 'the source starts with invalid values') source.succeed(this.#ruleset(false));
    else if (event === 'the start fails') source.fail(Object.assign(new Error(), { code: 'refused' }));
    else if (event === 'the start fails for good') source.fail(new OptionsError('source', 'no'));
    else if (event === 'valid values are pushed') source.sink?.replace(this.#ruleset(true));
    else if (event === 'invalid values are pushed') source.sink?.replace(this.#ruleset(false));
    else if (event === 'the connection is lost') source.sink?.status('disconnected', new Error('lost'));
    else if (event === 'close()') void this.#client.close();
  }

  #ready(timeoutMs: number): void {
    const settled = (outcome: string) => () => this.#outcomes.push(outcome);
    this.#client.ready({ timeoutMs }).then(settled('resolved'), ({ code }) => settled(code)());
  }

  #ruleset(isValid: boolean): Ruleset {
    this.#revision += 1;
    const databaseUrl = isValid ? `https://db${this.#revision}.example` : 'not a url';
    return rulesetOf({ revision: String(this.#revision), secret: { databaseUrl } });
  }

  #check(): void {
    const { model } = this;
    const { status, revision } = this.#client.health();
    const { starts, stops, signal } = this.#source;
    expect({ status, outcomes: this.#outcomes, starts, stops }).toEqual({
      status: model.status,
      outcomes: model.outcomes,
      starts: model.starts,
      stops: model.stops,
    });
    expect(revision === undefined).toBe(!model.isLive);
    // The signal says whether the source is still wanted; nothing else does.
    if (signal !== undefined) expect(signal.aborted).toBe(model.session === undefined);
    expect(this.#closeCalls).toBe(model.phase === 'closed' ? 1 : 0);
    this.#checkEvents();
  }

  /** The `status` events are a chain from the first status to the current one, and `ready` begins each time it is ready. */
  #checkEvents(): void {
    let last = 'starting';
    for (const event of this.#events) {
      if (event.type !== 'status') continue;
      expect(event.previous).toBe(last);
      expect(event.status).not.toBe(last);
      last = event.status;
    }
    expect(last).toBe(this.model.status);
  }
}

/** For each state of the model, the shortest sequence of events that leads to it. */
function pathsToStates(setup: Setup): Map<string, Event[]> {
  const paths = new Map<string, Event[]>([[new ClientModel(setup).name, []]]);
  // The iteration includes the paths that are added meanwhile.
  for (const path of paths.values()) {
    for (const event of EVENTS) {
      const model = new ClientModel(setup);
      for (const earlier of [...path, event]) model.apply(earlier);
      if (!paths.has(model.name)) paths.set(model.name, [...path, event]);
    }
  }
  return paths;
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('the state of a client', () => {
  it.each(SETUPS)('agrees with the model after every event in every state: %o', async (setup) => {
    const paths = pathsToStates(setup);
    const phases = new Set([...paths.keys()].map((name) => name.split(',')[0]));
    const first = setup.start === 'background' ? [] : ['idle'];
    expect(phases).toEqual(new Set([...first, 'starting', 'ready', 'failed', 'closed']));
    for (const path of paths.values()) {
      for (const event of EVENTS) {
        const play = await Play.begin(setup);
        for (const step of [...path, event]) await play.apply(step);
        await play.end();
      }
    }
  });

  it('agrees with the model after any sequence of events', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...SETUPS),
        fc.array(fc.constantFrom(...EVENTS), { maxLength: 30 }),
        async (setup, events) => {
          const play = await Play.begin(setup);
          for (const event of events) await play.apply(event);
          await play.end();
        },
      ),
      { numRuns: runs(100, 2_000) },
    );
  });
});
