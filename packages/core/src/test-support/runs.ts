/** The number of runs of a property test: `full` with `CONFIG_TEST_RUNS=full` (the long tests), otherwise `quick`. */
export function runs(quick: number, full: number): number {
  return process.env.CONFIG_TEST_RUNS === 'full' ? full : quick;
}
