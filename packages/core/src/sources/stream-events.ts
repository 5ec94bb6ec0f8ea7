import { createParser, type EventSourceMessage, type EventSourceParser } from 'eventsource-parser';
import { ResponseMalformedError } from '../errors.ts';
import {
  isSameEpoch,
  isSamePosition,
  judgePatch,
  REFUSED_MS,
  type RulesetPosition,
} from '../ruleset/ruleset-order.ts';
import { isRuleset, isRulesetPatch } from '../ruleset/ruleset-shape.ts';
import type { Ruleset, RulesetPatch } from '../wire.ts';
import type { RulesetSink } from './ruleset-source.ts';

/** Characters of one event at most. */
const MAX_EVENT_LENGTH = 16 * 1024 * 1024;

/** Changes were missed, or passed over while their epoch was refused: only a whole ruleset tells what is in force. */
export class StreamGapError extends ResponseMalformedError {
  constructor() {
    super('The config stream left out changes. The client begins anew with the whole ruleset.');
  }
}

/** Options of {@link StreamEvents}. */
export interface StreamEventsOptions {
  sink: RulesetSink;
  /** Whether the connection asked for what follows on the ruleset in hand, and not for a whole one. */
  isResumed: boolean;
  /** Called before each batch of whole events or comments is handed on. */
  onHeard: () => void;
}

/**
 * How a connection's server stands to what is in hand. `opening`: nothing was heard; `behind`: it has an older revision,
 * and may catch up; `foreign`: its epoch is refused, and its changes mean nothing here.
 */
type Standing = 'opening' | 'current' | 'behind' | 'foreign';

type Step = { ruleset: Ruleset } | { patch: RulesetPatch };

/** The events of one connection, from text to the sink. What arrives together is applied together. */
export class StreamEvents {
  readonly #options: StreamEventsOptions;
  readonly #parser: EventSourceParser;
  #messages: EventSourceMessage[] = [];
  #comments = 0;
  #isTooLarge = false;
  #standing: Standing = 'opening';
  #foreignSince = 0;
  /** Changes that follow on each other and were not handed on yet, as one. */
  #merged: RulesetPatch | undefined;

  constructor(options: StreamEventsOptions) {
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
   * Takes a piece of the stream.
   * @throws {ResponseMalformedError} for an event that the protocol does not know in that form, or that is too large.
   * @throws {StreamGapError} where changes were missed.
   */
  feed(text: string): void {
    this.#parser.feed(text);
    const messages = this.#messages;
    const comments = this.#comments;
    this.#messages = [];
    this.#comments = 0;
    const { steps, failure } = readSteps(messages);
    if (steps.length > 0 || comments > 0) this.#hear(steps, comments);
    if (failure !== undefined) throw failure;
    if (this.#isTooLarge) throw malformed('an event of more than 16 MiB');
  }

  #hear(steps: readonly (Step | undefined)[], comments: number): void {
    const { sink, isResumed, onHeard } = this.#options;
    onHeard();
    try {
      for (const step of steps) this.#take(step);
    } finally {
      // What came before a gap is applied.
      this.#flush();
    }
    // A server that resumes and has nothing to tell says so by a comment.
    if (comments > 0 && isResumed && this.#standing === 'opening') this.#standing = 'current';
    if (this.#standing === 'current') sink.confirm();
    // By now its epoch is taken again; on a connection that lives for weeks nobody else would ask.
    const isOver = performance.now() - this.#foreignSince >= REFUSED_MS;
    if (this.#standing === 'foreign' && isOver) throw new StreamGapError();
  }

  #take(step: Step | undefined): void {
    if (step === undefined) return;
    if ('patch' in step) this.#takePatch(step.patch);
    else this.#takeRuleset(step.ruleset);
  }

  #takeRuleset(ruleset: Ruleset): void {
    this.#flush();
    const { sink } = this.#options;
    sink.replace(ruleset);
    const inHand = positionOf(sink);
    if (inHand === undefined || isSamePosition(ruleset, inHand)) {
      this.#standing = 'current';
    } else if (isSameEpoch(ruleset, inHand)) {
      this.#standing = 'behind';
    } else {
      this.#standing = 'foreign';
      this.#foreignSince = performance.now();
    }
  }

  #takePatch(patch: RulesetPatch): void {
    if (this.#standing === 'foreign') return;
    if (this.#standing === 'opening') {
      if (!this.#options.isResumed) throw new StreamGapError();
      this.#standing = 'current';
    }
    const position = this.#merged ?? positionOf(this.#options.sink);
    if (position === undefined) throw new StreamGapError();
    const verdict = judgePatch(patch, position);
    if (verdict === 'gap') throw new StreamGapError();
    if (verdict === 'seen') return;
    this.#standing = 'current';
    this.#merge(patch);
  }

  #merge(patch: RulesetPatch): void {
    if (this.#merged === undefined) {
      this.#merged = { ...patch, changes: [...patch.changes] };
      return;
    }
    this.#merged.revision = patch.revision;
    for (const change of patch.changes) this.#merged.changes.push(change);
  }

  #flush(): void {
    const patch = this.#merged;
    this.#merged = undefined;
    if (patch !== undefined) this.#options.sink.patch(patch);
  }
}

/** What the messages say, up to the first that is malformed; undefined stands for an event of an unknown type. */
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
    else return { steps, failure: malformed(`a "${event}" event of another shape than the protocol's`) };
  }
  return { steps };
}

function positionOf({ revision, epoch }: RulesetSink): RulesetPosition | undefined {
  return revision === undefined ? undefined : { revision, epoch };
}

function malformed(what: string): ResponseMalformedError {
  return new ResponseMalformedError(`The config stream sent ${what}.`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's own message quotes the text, which may hold a secret.
    return undefined;
  }
}
