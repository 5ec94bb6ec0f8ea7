/**
 * Returns state that the ESM and the CommonJS build of this package share in one process.
 *
 * @param create - creates the state the first time.
 */
export function sharedState<State>(name: string, create: () => State): State {
  const key = Symbol.for(`@smooai/config-nestjs:state:${name}`);
  const holder = globalThis as unknown as Record<symbol, State | undefined>;
  const known = holder[key];
  if (known !== undefined) return known;
  const state = create();
  holder[key] = state;
  return state;
}
