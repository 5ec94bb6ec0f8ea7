// Adds up the JSON reports that the vitest runs leave in the test-results/ folders of packages and apps.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './workspace.mjs';

/** The report of the core's unit tests on another version of Node. These tests count again. */
export const otherNodeReport = 'other-node.json';

/** Every folder with reports, whether it exists or not. */
export function resultFolders() {
  return ['packages', 'apps'].flatMap((group) =>
    readdirSync(join(root, group)).map((name) => join(root, group, name, 'test-results')),
  );
}

/**
 * `{ passed, failed, skipped }` over all reports. A test file in two reports of a package, such as a property test that
 * also runs at length, counts once, with the worse result. A file that could not run counts as one failure.
 */
export function testTotals() {
  const files = new Map();
  for (const folder of resultFolders().filter(existsSync)) {
    for (const report of readdirSync(folder).filter((name) => name.endsWith('.json'))) {
      for (const file of JSON.parse(readFileSync(join(folder, report), 'utf8')).testResults) {
        const key = report === otherNodeReport ? `${report} ${file.name}` : file.name;
        const counts = countsOf(file);
        if (counts.failed >= (files.get(key)?.failed ?? 0)) files.set(key, counts);
      }
    }
  }
  const totals = { passed: 0, failed: 0, skipped: 0 };
  for (const counts of files.values()) for (const name of Object.keys(totals)) totals[name] += counts[name];
  return totals;
}

function countsOf(file) {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for (const { status } of file.assertionResults) counts[status in counts ? status : 'skipped'] += 1;
  if (file.status === 'failed' && counts.failed === 0) counts.failed = 1;
  return counts;
}

/** The closing line. */
export function formatTotals({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}
