import { delimiter } from 'node:path';

/** Variables that a child inherits: those of a user's terminal, and none of pnpm, turbo or vitest. */
const INHERITED = [
  'HOME',
  'USER',
  'LOGNAME',
  'SHELL',
  'LANG',
  'LC_ALL',
  'TMPDIR',
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'NO_PROXY',
  'http_proxy',
  'https_proxy',
  'no_proxy',
  'NODE_EXTRA_CA_CERTS',
  'SSL_CERT_FILE',
  'npm_config_registry',
  'npm_config_cache',
  'npm_config_userconfig',
];

/** Turns off telemetry, update checks, colours and prompts. */
const QUIET = {
  CI: 'true',
  NO_COLOR: '1',
  NEXT_TELEMETRY_DISABLED: '1',
  DO_NOT_TRACK: '1',
  npm_config_update_notifier: 'false',
  npm_config_audit: 'false',
  npm_config_fund: 'false',
  npm_config_prefer_offline: 'true',
  // npm waits five minutes for a download that has stopped before it tries again.
  npm_config_fetch_timeout: '30000',
  npm_config_fetch_retries: '4',
};

/** The environment of a child process, as a user's terminal would give it. */
export function childEnvironment(extra: Record<string, string> = {}): Record<string, string> {
  const environment: Record<string, string> = { ...QUIET, PATH: systemPath() };
  for (const name of INHERITED) {
    const value = process.env[name];
    if (value !== undefined) environment[name] = value;
  }
  return { ...environment, ...extra };
}

/** PATH without the folders of the workspace's own commands, so that a project cannot use them by mistake. */
function systemPath(): string {
  const folders = (process.env.PATH ?? '').split(delimiter);
  return folders.filter((folder) => !/node_modules[\\/]\.bin|_npx/.test(folder)).join(delimiter);
}
