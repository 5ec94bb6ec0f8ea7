import type { JsonValue } from '../../wire.ts';
import type { CompiledSegments } from '../compiled-segments.ts';

/** One thing that is wrong with a targeted value or a condition. */
export interface TargetingIssue {
  /** Where: `$cohort.rules[0].when.op`, relative to what was checked; empty for the whole of it. */
  path: string;
  /** What is wrong and what to do. */
  message: string;
}

/** What `checkTargeting` and `checkCondition` cannot know by themselves. */
export interface TargetingCheckOptions {
  /**
   * Names of the segments that there are; without it any name passes. Of segments that `compileSegments` made, it is
   * also checked that a condition comes to no more than is evaluated when they are put in.
   */
  segments?: ReadonlySet<string> | CompiledSegments;
  /** Says what is wrong with a valid regular expression, such as catastrophic backtracking; flags are `u` or `iu`. */
  checkPattern?: (pattern: string, flags: PatternFlags) => string | undefined;
  /** Says what is wrong with a value that a flag may answer; the flag's schema speaks here. */
  checkValue?: (value: JsonValue) => string | undefined;
}

/** Flags of a pattern: `iu` where case is ignored. */
export type PatternFlags = 'u' | 'iu';

/** More than anyone reads; a hostile value must not make a report larger than itself. */
const MAX_ISSUES = 100;

/** Collects issues while a check walks through a value. */
export class IssueList {
  readonly options: TargetingCheckOptions;
  readonly issues: TargetingIssue[] = [];

  constructor(options: TargetingCheckOptions) {
    this.options = options;
  }

  add(path: string, message: string): void {
    if (this.issues.length < MAX_ISSUES) this.issues.push({ path, message });
  }

  /** Reports every field of an object beside the known ones. */
  refuseOthers(record: object, path: string, known: readonly string[]): void {
    for (const name of Object.keys(record)) {
      if (known.includes(name)) continue;
      this.add(
        join(path, name),
        `Unknown field "${clip(name)}". Remove it; the fields here are ${known.join(', ')}.`,
      );
    }
  }
}

/** The path of a field of the object at `path`. */
export function join(path: string, name: string): string {
  if (!/^[A-Za-z_$][\w$]{0,59}$/.test(name)) return `${path}[${JSON.stringify(clip(name))}]`;
  return path === '' ? name : `${path}.${name}`;
}

/** A text as it may stand in a message. */
export function clip(text: string): string {
  return text.length <= 60 ? text : `${text.slice(0, 59)}…`;
}

/** What a value is, in a message: never the value itself, which may be long. */
export function kindOf(value: unknown): string {
  if (value === undefined) return 'missing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
