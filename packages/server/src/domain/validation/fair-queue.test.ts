import { expect, it } from 'vitest';
import { FairQueue } from './fair-queue.ts';

interface Item {
  caller: { organizationId: string; clientId: string };
  size: number;
  name: string;
}

function item(organizationId: string, clientId: string, name: string, size = 1): Item {
  return { caller: { organizationId, clientId }, size, name };
}

function queueOf(...items: Item[]): FairQueue<Item> {
  const queue = new FairQueue<Item>({ perClient: { items: 5, size: 10 }, size: 20 });
  for (const entry of items) expect(queue.add(entry)).toBe('added');
  return queue;
}

function takeAll(queue: FairQueue<Item>): string[] {
  const names: string[] = [];
  for (let next = queue.take(() => false); next !== undefined; next = queue.take(() => false)) {
    names.push(next.name);
  }
  return names;
}

it('organizations take turns, and in each its clients', () => {
  const queue = queueOf(
    item('one', 'a', 'a1'),
    item('one', 'a', 'a2'),
    item('one', 'a', 'a3'),
    item('one', 'b', 'b1'),
    item('two', 'c', 'c1'),
    item('two', 'c', 'c2'),
  );
  expect(takeAll(queue)).toEqual(['a1', 'c1', 'b1', 'c2', 'a2', 'a3']);
});

it('a client that comes later is served after one item of each other client', () => {
  const queue = queueOf(...['a1', 'a2', 'a3', 'a4'].map((name) => item('one', 'a', name)));
  expect(queue.take(() => false)?.name).toBe('a1');
  expect(queue.add(item('two', 'b', 'b1'))).toBe('added');
  expect(takeAll(queue)).toEqual(['a2', 'b1', 'a3', 'a4']);
});

it('passes over clients that are busy', () => {
  const queue = queueOf(item('one', 'a', 'a1'), item('one', 'b', 'b1'), item('two', 'c', 'c1'));
  expect(queue.take((client) => client === 'a')?.name).toBe('b1');
  expect(queue.take((client) => client === 'a')?.name).toBe('c1');
  expect(queue.take((client) => client === 'a')).toBeUndefined();
  expect(queue.take(() => false)?.name).toBe('a1');
});

it('refuses what is beyond the limits of a client or of the queue, and has room again once items are taken', () => {
  const queue = queueOf(item('one', 'a', 'a1', 30));
  expect(queue.add(item('one', 'a', 'a2', 1))).toBe('client-full');
  expect(queue.add(item('one', 'b', 'b1', 1))).toBe('full');
  expect(takeAll(queue)).toEqual(['a1']);
  for (let index = 0; index < 5; index += 1) expect(queue.add(item('one', 'a', `a${index}`))).toBe('added');
  expect(queue.add(item('one', 'a', 'a5'))).toBe('client-full');
  expect(queue.add(item('one', 'b', 'b1'))).toBe('added');
});

it('takes items up to the limits of a client and of the queue', () => {
  const queue = queueOf(item('one', 'a', 'a1', 4), item('one', 'a', 'a2', 6), item('two', 'b', 'b1', 10));
  expect(queue.add(item('one', 'a', 'a3', 1))).toBe('client-full');
  expect(queue.add(item('two', 'c', 'c1', 1))).toBe('full');
});

it('can be emptied, and then has room again', () => {
  const queue = queueOf(item('one', 'a', 'a1', 10), item('two', 'b', 'b1', 10));
  expect(queue.drain().map(({ name }) => name)).toEqual(['a1', 'b1']);
  expect(takeAll(queue)).toEqual([]);
  for (const client of ['a', 'b']) expect(queue.add(item('one', client, client, 10))).toBe('added');
});
