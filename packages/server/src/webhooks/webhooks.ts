import type { ChangeBus } from '../domain/change-bus.ts';
import { changedKeys, type EnvironmentView } from '../domain/environment-view.ts';
import { describeError } from '../server-logger.ts';
import type { WebhookTarget } from './webhook-options.ts';
import { type WebhookLog, WebhookSender } from './webhook-sender.ts';

interface WebhookParts {
  readonly targets: readonly WebhookTarget[];
  readonly changes: ChangeBus;
  readonly log: WebhookLog;
  /** The newest view of an environment; undefined if it was deleted. */
  readonly readView: (environmentId: string) => Promise<EnvironmentView | undefined>;
}

/** How long changes are collected before they are sent together. */
const COLLECT_MS = 100;

/** Sends the names of the keys that change to the targets. Secrets are left out: receivers cache none. */
export class Webhooks {
  readonly #parts: WebhookParts;
  readonly #senders: readonly WebhookSender[];
  /** The last view of each environment that a target wants, to compare the next one with. */
  readonly #views = new Map<string, EnvironmentView>();
  /** Environments that have changed since. */
  readonly #changed = new Set<string>();
  readonly #unsubscribe: () => void;
  #timer: NodeJS.Timeout | undefined;
  /** Comparisons run one after another, or an older view could replace a newer one. */
  #comparing: Promise<void> = Promise.resolve();

  constructor(parts: WebhookParts) {
    this.#parts = parts;
    this.#senders = parts.targets.map((target) => new WebhookSender(target, parts.log));
    const follow = (): (() => void) =>
      parts.changes.subscribeAll((record) => this.#add(record.environmentId));
    this.#unsubscribe = parts.targets.length > 0 ? follow() : () => undefined;
  }

  /** Says for each environment that any key may have changed: an earlier process may have ended with changes unsent. */
  start(environmentIds: readonly string[]): void {
    if (this.#senders.length > 0) for (const id of environmentIds) this.#add(id);
  }

  /** How many messages wait to be sent, at most one for each target and environment. */
  get waiting(): number {
    return this.#senders.reduce((sum, { waiting }) => sum + waiting, 0);
  }

  /** Sends what waits, within this time. */
  async close(timeoutMs: number): Promise<void> {
    this.#unsubscribe();
    const deadline = AbortSignal.timeout(timeoutMs);
    await this.#compareSoon();
    await Promise.all(this.#senders.map((sender) => sender.close(deadline)));
  }

  #add(environmentId: string): void {
    this.#changed.add(environmentId);
    this.#timer ??= setTimeout(() => void this.#compareSoon(), COLLECT_MS);
  }

  #compareSoon(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#comparing = this.#comparing.then(() => this.#compareAll());
    return this.#comparing;
  }

  async #compareAll(): Promise<void> {
    const ids = [...this.#changed];
    this.#changed.clear();
    for (const id of ids) {
      const before = this.#views.get(id);
      this.#views.delete(id);
      try {
        const view = await this.#parts.readView(id);
        if (view !== undefined) this.#compare(before, view);
      } catch (error) {
        // Without a view to compare with, the next change says that any key may have changed.
        this.#parts.log.error(
          { failure: describeError(error) },
          'the changes of an environment were not read',
        );
      }
    }
  }

  #compare(before: EnvironmentView | undefined, view: EnvironmentView): void {
    const { id, name } = view.environment;
    const senders = this.#senders.filter((sender) => sender.wants(name));
    if (senders.length === 0) return;
    this.#views.set(id, view);
    // Another name has other values than those that receivers know by it.
    const keys = before?.environment.name === name ? changedKeys(before, view) : undefined;
    if (keys?.size === 0) return;
    for (const sender of senders) sender.send({ environment: name, revision: view.revision, keys });
  }
}
