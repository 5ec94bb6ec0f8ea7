import type { ChangeWriter } from './change-writer.ts';
import type { EnvironmentViews } from './environment-views.ts';
import type { CheckPool } from './validation/check-pool.ts';
import type { PatternChecker } from './validation/pattern-check.ts';
import type { SchemaKeysCache } from './validation/schema-keys.ts';

/** What the four services share. */
export interface DomainParts {
  writer: ChangeWriter;
  views: EnvironmentViews;
  schemaKeys: SchemaKeysCache;
  patterns: PatternChecker;
  checks: CheckPool;
}
