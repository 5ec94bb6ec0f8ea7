import type { JsonValue } from '../../wire.ts';
import type { CompiledSegments } from '../compiled-segments.ts';

/** One fault in a targeted value or a condition. */
export interface TargetingIssue {
  /** A path relative to the checked value, such as `$cohort.rules[0].when.op`; empty for the whole value. */
  path: string;
  /** What is wrong and what to do. */
  message: string;
}

/** Options of `checkTargeting` and `checkCondition`: what they cannot know by themselves. */
export interface TargetingCheckOptions {
  /**
   * Names of the existing segments; default any name. With segments made by `compileSegments`, a condition is also
   * refused if it becomes too large to be evaluated once its segments are expanded.
   */
  segments?: ReadonlySet<string> | CompiledSegments;
  /** Returns a message to refuse a valid regular expression, for example because it backtracks catastrophically. */
  checkPattern?: (pattern: string, flags: PatternFlags) => string | undefined;
  /** Returns a message to refuse a value that the flag could return, for example because of its schema. */
  checkValue?: (value: JsonValue) => string | undefined;
}

/** Flags of a pattern: `iu` if case is ignored. */
export type PatternFlags = 'u' | 'iu';

/** More than anyone reads. A hostile value must not produce a report larger than itself. */
const MAX_ISSUES = 100;

/** A place in the checked value, where issues are reported. */
export class Place {
  readonly options: TargetingCheckOptions;
  /** The issues of the whole value. */
  readonly issues: TargetingIssue[];
  readonly #path: string;

  private constructor(options: TargetingCheckOptions, issues: TargetingIssue[], path: string) {
    this.options = options;
    this.issues = issues;
    this.#path = path;
  }

  static root(options: TargetingCheckOptions): Place {
    return new Place(options, [], '');
  }

  /** The place of a property of the object here. */
  property(name: string): Place {
    return new Place(this.options, this.issues, propertyPath(this.#path, name));
  }

  /** The place of an element of the array here. */
  element(index: number): Place {
    return new Place(this.options, this.issues, `${this.#path}[${index}]`);
  }

  report(message: string): void {
    if (this.issues.length < MAX_ISSUES) this.issues.push({ path: this.#path, message });
  }

  /** Reports every property of the object here that is not known. */
  reportOthers(record: object, known: readonly string[]): void {
    for (const name of Object.keys(record)) {
      if (known.includes(name)) continue;
      this.property(name).report(
        `Unknown field "${clip(name)}". Remove it; the fields here are ${known.join(', ')}.`,
      );
    }
  }
}

function propertyPath(path: string, name: string): string {
  if (!/^[A-Za-z_$][\w$]{0,59}$/.test(name)) return `${path}[${JSON.stringify(clip(name))}]`;
  return path === '' ? name : `${path}.${name}`;
}

/** Shortens a string for a message. */
export function clip(text: string): string {
  return text.length <= 60 ? text : `${text.slice(0, 59)}…`;
}

/** The kind of a value for a message, since the value itself may be long. */
export function kindOf(value: unknown): string {
  if (value === undefined) return 'missing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
