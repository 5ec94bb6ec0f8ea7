// Next.js loads this module by its path, and calls `onBuildComplete` after it has prerendered all pages. If it throws, the
// build fails.
import { getScanOptions } from './scan-options.ts';
import { scanBuild } from './secret-scan.ts';

export const name = '@smooai/config-next';

export async function onBuildComplete(build: { projectDir: string; distDir: string }): Promise<void> {
  const options = getScanOptions();
  // Only next.config sets them, and only it names this module.
  if (options === undefined) throw new Error('withSmooConfig was not called in this process.');
  const summary = await scanBuild(options, build);
  process.stdout.write(` ✓ ${summary}\n`);
}
