import { type EnvironmentVariables, processEnvironment } from '../settings.ts';

/** Where a program runs, as far as its environment variables say. */
export interface Cloud {
  /** `aws`, `azure`, `gcp`, a name of your own, or `unknown`. */
  provider: string;
  /** The provider's name of the region, or `unknown`. */
  region: string;
}

const UNKNOWN = 'unknown';
/** The first variable that is set decides. */
const REGION_VARIABLES: readonly (readonly [provider: string, variables: readonly string[]])[] = [
  ['aws', ['AWS_REGION', 'AWS_DEFAULT_REGION']],
  ['azure', ['AZURE_REGION', 'AZURE_LOCATION']],
  ['gcp', ['GOOGLE_CLOUD_REGION', 'CLOUDSDK_COMPUTE_REGION']],
];

/**
 * Detects the provider and region from `SMOOAI_CONFIG_CLOUD_PROVIDER` and `SMOOAI_CONFIG_CLOUD_REGION`, else from the
 * variables of AWS, Azure and Google Cloud, in this order. Sends no request.
 */
export function detectCloud(variables: EnvironmentVariables = processEnvironment()): Cloud {
  const read = (name: string): string | undefined => variables[name]?.trim() || undefined;
  const [provider, region] = [read('SMOOAI_CONFIG_CLOUD_PROVIDER'), read('SMOOAI_CONFIG_CLOUD_REGION')];
  if (provider !== undefined || region !== undefined) {
    return { provider: provider ?? UNKNOWN, region: region ?? UNKNOWN };
  }
  for (const [name, candidates] of REGION_VARIABLES) {
    const found = candidates.map(read).find((value) => value !== undefined);
    if (found !== undefined) return { provider: name, region: found };
  }
  return { provider: UNKNOWN, region: UNKNOWN };
}
