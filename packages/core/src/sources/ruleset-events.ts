import { createParser, type EventSourceMessage, type EventSourceParser } from 'eventsource-parser';
import { ResponseMalformedError } from '../errors.ts';
import { parseJson } from '../lib/json.ts';
import { isOlderRevision } from '../lib/revision.ts';
import {
  EPOCH_REFUSAL_MS,
  isSameEpoch,
  isSamePosition,
  type RulesetPosition,
} from '../ruleset/ruleset-order.ts';
import { isRuleset, isRulesetPatch } from '../ruleset/ruleset-shape.ts';
import type { Ruleset, RulesetPatch } from '../wire.ts';
import type { RulesetSink } from './ruleset-source.ts';

/** Characters. */
const MAX_EVENT_LENGTH = 16 * 1024 * 1024;

/** Changes were missed, or skipped while their epoch was refused. The client needs a whole ruleset to catch up. */
export class StreamGapError extends ResponseMalformedError {
  constructor() {
    super('The config stream skipped changes. The client reconnects and fetches the whole ruleset.');
  }
}

export interface RulesetEventsOptions {
  sink: RulesetSink;
  /** Whether the connection asked only for the changes after the current revision. */
  isResumed: boolean;
  /** Called for each batch of whole events or comments, before the sink is. */
  onActivity: () => void;
}

/**
 * The server's position relative to the current ruleset. `opening`: not known yet; `behind`: it has an older
 * revision, and may catch up; `foreign`: its epoch is refused, so its changes are skipped.
 */
type Standing = 'opening' | 'current' | 'behind' | 'foreign';

type Step = { ruleset: Ruleset } | { patch: RulesetPatch };

/** Parses the events of one connection for the sink. Events that arrive together are applied together. */
export class RulesetEvents {
  readonly #options: RulesetEventsOptions;
  readonly #parser: EventSourceParser;
  #messages: EventSourceMessage[] = [];
  #comments = 0;
  #isTooLarge = false;
  #standing: Standing = 'opening';
  #foreignSince = 0;
  /** Consecutive changes that the sink has not got yet. */
  #patches: RulesetPatch[] = [];

  constructor(options: RulesetEventsOptions) {
    this.#options = options;
    this.#parser = createParser({
      maxBufferSize: MAX_EVENT_LENGTH,
      onEvent: (message) => {
        this.#messages.push(message);
      },
      onComment: () => {
        this.#comments += 1;
      },
      onError: (error) => {
        if (error.type === 'max-buffer-size-exceeded') this.#isTooLarge = true;
      },
    });
  }

  /**
   * Processes the next chunk of the stream.
   * @throws {ResponseMalformedError} for an event that is malformed or too large.
   * @throws {StreamGapError} if changes were missed.
   */
  feed(text: string): void {
    this.#parser.feed(text);
    const messages = this.#messages;
    const comments = this.#comments;
    this.#messages = [];
    this.#comments = 0;
    const { steps, failure } = readSteps(messages);
    if (steps.length > 0 || comments > 0) this.#process(steps, comments);
    if (failure !== undefined) throw failure;
    if (this.#isTooLarge) throw malformed('an event of more than 16 MiB');
  }

  #process(steps: readonly (Step | undefined)[], comments: number): void {
    const { sink, isResumed, onActivity } = this.#options;
    onActivity();
    for (const step of steps) this.#apply(step);
    this.#flush();
    // A server that resumed and has no changes sends only a comment.
    if (comments > 0 && isResumed && this.#standing === 'opening') this.#standing = 'current';
    if (this.#standing === 'current') sink.confirm();
    // The epoch is no longer refused, but only a new connection sends the whole ruleset again.
    const isRefusalOver = performance.now() - this.#foreignSince >= EPOCH_REFUSAL_MS;
    if (this.#standing === 'foreign' && isRefusalOver) throw new StreamGapError();
  }

  #apply(step: Step | undefined): void {
    if (step === undefined) return;
    if ('patch' in step) this.#applyPatch(step.patch);
    else this.#applyRuleset(step.ruleset);
  }

  #applyRuleset(ruleset: Ruleset): void {
    this.#flush();
    const { sink } = this.#options;
    sink.replace(ruleset);
    const current = positionOf(sink);
    if (current === undefined || isSamePosition(ruleset, current)) {
      this.#standing = 'current';
    } else if (isSameEpoch(ruleset, current)) {
      this.#standing = 'behind';
    } else {
      this.#standing = 'foreign';
      this.#foreignSince = performance.now();
    }
  }

  #applyPatch(patch: RulesetPatch): void {
    if (this.#standing === 'foreign') return;
    if (this.#standing === 'opening') {
      if (!this.#options.isResumed) throw new StreamGapError();
      this.#standing = 'current';
    }
    this.#patches.push(patch);
  }

  /** Pushes the pending changes. If some before them are missing, the sink has applied those that are not affected. */
  #flush(): void {
    const patches = this.#patches;
    if (patches.length === 0) return;
    this.#patches = [];
    const { sink } = this.#options;
    const before = sink.revision;
    sink.patch(patches);
    const { revision } = sink;
    if (revision !== before) this.#standing = 'current';
    const isMissing =
      revision === undefined || patches.some((patch) => isOlderRevision(revision, patch.revision));
    if (isMissing) throw new StreamGapError();
  }
}

/** Reads the messages up to the first malformed one. An event of an unknown type becomes undefined. */
function readSteps(messages: readonly EventSourceMessage[]): {
  steps: (Step | undefined)[];
  failure?: ResponseMalformedError;
} {
  const steps: (Step | undefined)[] = [];
  for (const { event, data } of messages) {
    if (event !== 'ruleset' && event !== 'change') {
      steps.push(undefined);
      continue;
    }
    const parsed = parseJson(data);
    if (event === 'ruleset' && isRuleset(parsed)) steps.push({ ruleset: parsed });
    else if (event === 'change' && isRulesetPatch(parsed)) steps.push({ patch: parsed });
    else return { steps, failure: malformed(`a malformed "${event}" event`) };
  }
  return { steps };
}

function positionOf({ revision, epoch }: RulesetSink): RulesetPosition | undefined {
  return revision === undefined ? undefined : { revision, epoch };
}

function malformed(what: string): ResponseMalformedError {
  return new ResponseMalformedError(`The config stream sent ${what}.`);
}
