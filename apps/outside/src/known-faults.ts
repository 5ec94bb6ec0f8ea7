/** Something that does not work yet in a user's project. */
export interface KnownFault {
  /** Name of the project that shows it. */
  project: string;
  /** What happens instead of what a user would expect. */
  what: string;
  /** The issue that asks for its mending. */
  issue: number;
  /** How the failure is recognized, so that another failure is not taken for it. */
  error: RegExp;
}

/**
 * All that does not work today. A mended fault turns its test red until its entry is removed here; the suite prints
 * how many are left. By the fault's name.
 */
export const knownFaults: Readonly<Record<string, KnownFault>> = {};
