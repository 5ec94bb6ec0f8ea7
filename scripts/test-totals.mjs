// Adds up the JSON reports that the vitest runs leave in the test-results/ folders of packages and apps.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { root } from './workspace.mjs';

/** The names of reports from another version of Node begin with it. These tests count again. */
export const otherNode = 'other-node';

const unhandledErrorsSuffix = '.unhandled-errors.json';

/** The file in a test-results/ folder for the errors of one run that no test is responsible for. */
export const unhandledErrorsFile = (run) => `${run}${unhandledErrorsSuffix}`;

/** Every folder with reports, whether it exists or not. */
export function resultFolders() {
  return ['packages', 'apps'].flatMap((group) =>
    readdirSync(join(root, group)).map((name) => join(root, group, name, 'test-results')),
  );
}

/**
 * `{ passed, failed, skipped, knownFaults, failures }` over all reports, `failures` being the names of failed tests. A
 * known fault counts as passed too. A test file in two reports of a package, such as a property test that also runs at
 * length, counts once, with the worse result. A file that could not run counts as one failure, and so does each error
 * outside of a test.
 */
export function testTotals() {
  const files = new Map();
  for (const folder of resultFolders().filter(existsSync)) {
    for (const report of readdirSync(folder).filter((name) => name.endsWith('.json'))) {
      if (report.endsWith(unhandledErrorsSuffix)) {
        const errors = JSON.parse(readFileSync(join(folder, report), 'utf8'));
        const failures = errors.map((error) => `${relative(root, folder)}: outside of a test: ${error}`);
        files.set(join(folder, report), { ...noTests(), failed: failures.length, failures });
        continue;
      }
      const prefix = report.startsWith(otherNode) ? `${otherNode} ` : '';
      for (const [name, counts] of readReport(join(folder, report))) {
        const key = `${prefix}${name}`;
        if (counts.failed >= (files.get(key)?.failed ?? 0)) files.set(key, counts);
      }
    }
  }
  const totals = noTests();
  for (const counts of files.values()) addTo(totals, counts);
  return totals;
}

/** The end of `npm test`: each failed test by name, then the counts as the last line. */
export function formatTotals({ passed, failed, skipped, failures }) {
  const counts = `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
  return [...failures.map((failure) => `failed: ${failure}`), counts].join('\n');
}

/** The counts of a report by file. A file may run in several projects of one report. */
function readReport(path) {
  const files = new Map();
  for (const { name, status, message, assertionResults } of JSON.parse(readFileSync(path, 'utf8'))
    .testResults) {
    const counts = noTests();
    const file = relative(root, name);
    for (const test of assertionResults) {
      counts[test.status === 'passed' || test.status === 'failed' ? test.status : 'skipped'] += 1;
      if (test.status === 'failed') counts.failures.push(`${file} > ${test.fullName}`);
      if (test.meta?.knownFault !== undefined) counts.knownFaults += 1;
    }
    if (status === 'failed' && counts.failed === 0) {
      counts.failed = 1;
      counts.failures.push(`${file}: did not run. ${message ?? ''}`.trim());
    }
    if (files.has(name)) addTo(counts, files.get(name));
    files.set(name, counts);
  }
  return files;
}

function noTests() {
  return { passed: 0, failed: 0, skipped: 0, knownFaults: 0, failures: [] };
}

function addTo(totals, { failures, ...counts }) {
  for (const [name, count] of Object.entries(counts)) totals[name] += count;
  totals.failures.push(...failures);
}
