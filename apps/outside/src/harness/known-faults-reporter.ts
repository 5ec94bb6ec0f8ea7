import type { Reporter, TestModule } from 'vitest/node';
import { knownFaults } from '../known-faults.ts';

/** Lists the known faults that a run met, after its totals. */
export class KnownFaultsReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const lines: string[] = [];
    for (const module of modules) {
      for (const test of module.children.allTests()) {
        const id = test.meta().knownFault;
        const fault = knownFaults[id ?? ''];
        if (id === undefined || fault === undefined) continue;
        lines.push(`  ${id} (issue ${fault.issue}, ${fault.project}): ${fault.what}`);
      }
    }
    process.stdout.write(`\nKnown faults: ${lines.length}\n${lines.map((line) => `${line}\n`).join('')}`);
  }
}
