// Adds up the JSON reports that every vitest run leaves in its package's test-results/.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './workspace.mjs';

function reports() {
  const files = [];
  for (const group of ['packages', 'apps']) {
    for (const name of readdirSync(join(root, group))) {
      const folder = join(root, group, name, 'test-results');
      if (!existsSync(folder)) continue;
      for (const file of readdirSync(folder)) {
        if (file.endsWith('.json')) files.push({ suite: `${group}/${name}`, path: join(folder, file) });
      }
    }
  }
  return files;
}

/** `{ passed, failed, skipped }` over all reports; a file that could not run at all counts as one failure. */
export function testTotals() {
  const totals = { passed: 0, failed: 0, skipped: 0 };
  for (const { path } of reports()) {
    const report = JSON.parse(readFileSync(path, 'utf8'));
    totals.passed += report.numPassedTests;
    totals.failed += report.numFailedTests;
    totals.skipped += report.numPendingTests + report.numTodoTests;
    totals.failed += report.testResults.filter(
      (file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
    ).length;
  }
  return totals;
}

/** The closing line. */
export function formatTotals({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}
