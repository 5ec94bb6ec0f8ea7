// Adds up the JSON reports that the vitest runs leave in the test-results/ folders of packages and apps.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './workspace.mjs';

/** The names of reports from another version of Node begin with it. These tests count again. */
export const otherNode = 'other-node';

/** Every folder with reports, whether it exists or not. */
export function resultFolders() {
  return ['packages', 'apps'].flatMap((group) =>
    readdirSync(join(root, group)).map((name) => join(root, group, name, 'test-results')),
  );
}

/**
 * `{ passed, failed, skipped, knownFaults }` over all reports. A known fault counts as passed too. A test file in two
 * reports of a package, such as a property test that also runs at length, counts once, with the worse result. A file
 * that could not run counts as one failure.
 */
export function testTotals() {
  const files = new Map();
  for (const folder of resultFolders().filter(existsSync)) {
    for (const report of readdirSync(folder).filter((name) => name.endsWith('.json'))) {
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

/** The counts of a report by file. A file may run in several projects of one report. */
function readReport(path) {
  const files = new Map();
  for (const { name, status, assertionResults } of JSON.parse(readFileSync(path, 'utf8')).testResults) {
    const counts = noTests();
    for (const test of assertionResults) {
      counts[test.status in counts ? test.status : 'skipped'] += 1;
      if (test.meta?.knownFault !== undefined) counts.knownFaults += 1;
    }
    if (status === 'failed' && counts.failed === 0) counts.failed = 1;
    if (files.has(name)) addTo(counts, files.get(name));
    files.set(name, counts);
  }
  return files;
}

function noTests() {
  return { passed: 0, failed: 0, skipped: 0, knownFaults: 0 };
}

function addTo(totals, counts) {
  for (const name of Object.keys(totals)) totals[name] += counts[name];
}

/** The closing line. */
export function formatTotals({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}
