import { findSecretValues, formatLeaks, scanForSecrets } from '@smooai/config/leak-scan';
import type { SecretScanOptions } from './scan-options.ts';

/**
 * Searches the output of a build for the secrets of the schema.
 *
 * @returns a line about what was searched.
 * @throws {Error} with one paragraph for each leak. It contains no value.
 */
export async function scanBuild(
  { config, allow, bundle }: SecretScanOptions,
  { projectDir, distDir }: { projectDir: string; distDir: string },
): Promise<string> {
  const values = await findSecretValues(config, { envFolder: projectDir, bundle });
  const { leaks, unusedAllowances, files, bytes } = await scanForSecrets({
    config,
    values,
    allow,
    paths: [distDir],
  });
  const searched = `${files.toLocaleString('en')} ${files === 1 ? 'file' : 'files'}, ${(bytes / 1e6).toFixed(1)} MB`;
  if (leaks.length > 0) {
    const how = 'If one is not a leak, add it to "allow" of withSmooConfig, with a reason.';
    throw new Error(
      `The build contains secrets (${searched}).\n\n${formatLeaks(leaks, projectDir)}\n\n${how}`,
    );
  }
  const secrets = [...config.keys.values()].filter(({ tier }) => tier === 'secret').length;
  const known = new Set(values.map(({ key }) => key)).size;
  const unused = unusedAllowances.map(({ key }) => ` The entry of "allow" for "${key}" is not needed.`);
  const looked = `Looked for the names of all secrets (${secrets}) and for the values that are known (${known}).`;
  return `No secret in ${searched}. ${looked}${unused.join('')}`;
}
