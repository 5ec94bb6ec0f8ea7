/** Who waits. */
export interface Caller {
  organizationId: string;
  clientId: string;
}

interface Waiting {
  readonly caller: Caller;
  /** What it holds in memory, in characters. */
  readonly size: number;
}

/** Limits of a {@link FairQueue}. */
export interface QueueLimits {
  /** Most items of one client, and most characters of all but the first of them. */
  perClient: { items: number; size: number };
  /** Most characters of all items together. */
  size: number;
}

/**
 * A bounded queue in which the organizations take turns, and in an organization its clients. A client that adds many items
 * makes only its own later ones wait.
 */
export class FairQueue<Item extends Waiting> {
  readonly #limits: QueueLimits;
  /** By organization and client. Whose turn is next comes first. */
  readonly #organizations = new Map<string, Map<string, Item[]>>();
  #size = 0;

  constructor(limits: QueueLimits) {
    this.#limits = limits;
  }

  /** Adds an item if its client (else `client-full`) and the queue (else `full`) are below their limits. */
  add(item: Item): 'added' | 'client-full' | 'full' {
    const { organizationId, clientId } = item.caller;
    const clients = this.#organizations.get(organizationId) ?? new Map<string, Item[]>();
    const items = clients.get(clientId) ?? [];
    const { perClient } = this.#limits;
    const size = items.reduce((sum, other) => sum + other.size, item.size);
    if (items.length >= perClient.items || (items.length > 0 && size > perClient.size)) return 'client-full';
    // An empty queue takes an item of any size.
    if (this.#size > 0 && this.#size + item.size > this.#limits.size) return 'full';
    this.#size += item.size;
    this.#organizations.set(organizationId, clients.set(clientId, [...items, item]));
    return 'added';
  }

  /** Takes the next item of a client that is not busy, and puts the client and its organization behind the others. */
  take(isBusy: (clientId: string) => boolean): Item | undefined {
    for (const [organizationId, clients] of this.#organizations) {
      for (const [clientId, [item, ...others]] of clients) {
        if (item === undefined || isBusy(clientId)) continue;
        this.#size -= item.size;
        clients.delete(clientId);
        if (others.length > 0) clients.set(clientId, others);
        this.#organizations.delete(organizationId);
        if (clients.size > 0) this.#organizations.set(organizationId, clients);
        return item;
      }
    }
    return undefined;
  }

  /** Removes and returns every item. */
  drain(): Item[] {
    const items = [...this.#organizations.values()].flatMap((clients) => [...clients.values()].flat());
    this.#organizations.clear();
    this.#size = 0;
    return items;
  }
}
