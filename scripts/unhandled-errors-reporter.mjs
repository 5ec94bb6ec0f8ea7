// A vitest reporter. An error outside of any test makes vitest exit with 1, but its JSON report counts no failure: this
// leaves such errors beside that report, so that `npm test` can count and name them.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { unhandledErrorsFile } from './test-totals.mjs';

export default class UnhandledErrorsReporter {
  onInit(vitest) {
    this.folder = join(vitest.config.root, 'test-results');
  }

  onTestRunEnd(_modules, errors) {
    if (errors.length === 0) return;
    const described = errors.map((error) => [error.name, error.message].filter(Boolean).join(': '));
    mkdirSync(this.folder, { recursive: true });
    writeFileSync(join(this.folder, unhandledErrorsFile(process.pid)), JSON.stringify(described));
  }
}
