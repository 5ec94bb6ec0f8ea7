import type { PatternFlags } from '@smooai/config';

/** Schemas to compile, or values to check against them. */
export interface SchemaJob {
  kind: 'schema';
  /** Whether the schemas come from a request; else they are stored, and `values` are checked. */
  isNew: boolean;
  schemas: readonly SchemaToCheck[];
}

/** All of it as JSON, which is cheaper to pass to a thread than objects. */
export interface SchemaToCheck {
  /** The schema as it is compiled, without annotations. */
  text: string;
  /** As it was pushed, if it is new. */
  original?: string;
  values: readonly string[];
}

/** A pattern with the flags it runs with: one that is harmless may take exponential time when case is ignored. */
export interface Pattern {
  readonly source: string;
  readonly flags: PatternFlags;
}

/** A pattern to prove harmless. */
export interface PatternJob extends Pattern {
  kind: 'pattern';
}

export type CheckJob = SchemaJob | PatternJob;

/** Why a pushed schema is refused. */
export interface SchemaRefusal {
  /** Which of the job's schemas. */
  index: number;
  /** The place inside of it: `.properties.a`. */
  path: string;
  reason: string;
}

/** Why a schema refuses a value, without any part of the value. */
export interface ValueIssue {
  /** JSON pointer into the value; empty for the value itself. */
  pointer: string;
  reason: string;
}

/** `unusable` for a schema that does not compile; for each value otherwise, null if it passes. */
export type SchemaVerdict = 'unusable' | (ValueIssue | 'endless' | null)[];

/** `safe` or `vulnerable`; `unknown` if it could not be analysed. */
export type PatternVerdict = 'safe' | 'vulnerable' | 'unknown';

/** What the worker was doing when it was stopped: which schema, and which of its values (-1 while it was compiled). */
export interface StoppedAt {
  schema: number;
  value: number;
}
