/**
 * Yields the positions of all variants, each once: first the one with the first value of each flag, then those that differ
 * from it in one flag, then in two, and so on. There may be more than fit into memory.
 */
export function* variantsByDistance(sizes: readonly number[]): Generator<number[]> {
  for (let distance = 0; distance <= sizes.length; distance += 1) yield* atDistance(sizes, distance);
}

function* atDistance(sizes: readonly number[], distance: number): Generator<number[]> {
  const [size, ...others] = sizes;
  if (size === undefined) {
    yield [];
    return;
  }
  const canWait = others.length >= distance;
  if (canWait) for (const positions of atDistance(others, distance)) yield [0, ...positions];
  if (distance === 0) return;
  for (let position = 1; position < size; position += 1) {
    for (const positions of atDistance(others, distance - 1)) yield [position, ...positions];
  }
}
