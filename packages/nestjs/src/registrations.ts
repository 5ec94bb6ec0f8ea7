import { Logger } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';
import { OptionsError } from '@smooai/config';
import type { NestModule } from './hosts.ts';
import { REGISTRATION, TEST_REGISTRATION } from './tokens.ts';

/** What identifies one `forRoot`. */
export interface Registration {
  /** Different for each, because Nest can merge modules whose options look alike. */
  id: number;
  name: string;
  global: boolean;
}

/**
 * Nest would use the first of two equal registrations and ignore the other.
 *
 * @throws {OptionsError} if a name is registered twice where only one of them would be seen.
 */
export function checkRegistrations(modules: ModulesContainer): void {
  const all = [...modules.values()];
  checkTestValues(all);
  refuseRepeated(all.filter((module) => registrationOf(module)?.global === true));
  for (const module of all) {
    refuseRepeated([...module.imports].filter((imported) => registrationOf(imported)?.global === false));
  }
}

/** A test would otherwise run with the values of a server, or with those of another test, and not say so. */
function checkTestValues(modules: NestModule[]): void {
  const names = modules.map((module) => registrationOf(module)?.name);
  const tested = new Set<string>();
  for (const module of modules) {
    const name = module.providers.get(TEST_REGISTRATION)?.instance as string | undefined;
    if (name === undefined) continue;
    if (!names.includes(name)) {
      // Not an error: tests of several applications can share their values.
      new Logger('SmooConfig').warn(
        `SmooConfigTestingModule has values for "${name}", but the application has no SmooConfigModule of that name.`,
      );
    }
    if (tested.has(name)) {
      throw new OptionsError(
        'name',
        `SmooConfigTestingModule is imported twice for "${name}". Pass all values to one, or change them in a test with ` +
          'overrideConfig.',
      );
    }
    tested.add(name);
  }
}

function registrationOf(module: NestModule): Registration | undefined {
  return module.providers.get(REGISTRATION)?.instance as Registration | undefined;
}

function refuseRepeated(modules: NestModule[]): void {
  const names = modules.map((module) => registrationOf(module)?.name ?? '');
  const repeated = names.find((name, index) => names.indexOf(name) !== index);
  if (repeated === undefined) return;
  throw new OptionsError(
    'name',
    `SmooConfigModule is registered twice as "${repeated}". Give one of them another "name" and inject it with ` +
      '@InjectConfigClient(name), or import the same registration in both places.',
  );
}
