import { expect, it } from 'vitest';
import { MultiMap } from './multi-map.ts';

it('keeps the values of each key apart and removes them one by one', () => {
  const map = new MultiMap<string, number>();
  const removeOne = map.add('a', 1);
  map.add('a', 2);
  map.add('b', 1);
  removeOne();
  expect([...map.get('a')]).toEqual([2]);
  expect([...map.get('b')]).toEqual([1]);
  expect(map.delete('a', 2)).toBe(true);
  expect(map.delete('a', 2)).toBe(false);
  expect([...map.get('a')]).toEqual([]);
});
