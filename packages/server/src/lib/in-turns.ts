import { setImmediate as nextTurn } from 'node:timers/promises';

/** How long one turn may take, in milliseconds. */
const TURN_MS = 10;
/** How many streams one turn of the event loop may serve: their sockets are written after it. */
const ITEMS_PER_TURN = 500;

/**
 * Calls `run` for each item, such as an open stream. Lets other work in between after some 10 ms or 500 items. The first turn
 * is over when this returns its promise.
 */
export async function inTurns<Item>(items: readonly Item[], run: (item: Item) => void): Promise<void> {
  let endsAt = performance.now() + TURN_MS;
  for (const [index, item] of items.entries()) {
    run(item);
    if ((index + 1) % ITEMS_PER_TURN !== 0 && performance.now() < endsAt) continue;
    await nextTurn();
    endsAt = performance.now() + TURN_MS;
  }
}
