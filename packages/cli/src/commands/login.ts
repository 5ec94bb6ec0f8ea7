import { readAll } from '../cli-io.ts';
import { UsageError } from '../errors.ts';
import { DEFAULT_PROFILE, removeProfile, saveProfile } from '../profiles.ts';
import type { CommandContext } from '../program/command-context.ts';

export interface LoginOptions {
  /** Reads the client secret from standard input. */
  stdin?: boolean;
}

/** `login`: checks the settings with the server, and stores them as a profile. */
export async function runLogin(context: CommandContext, options: LoginOptions): Promise<void> {
  const { io, colors } = context;
  const name = context.options.profile ?? DEFAULT_PROFILE;
  const clientSecret = options.stdin === true ? await readSecret(context) : undefined;
  const { api, settings } = await context.connect({ clientSecret, usesProfile: false });
  const environments = (await api.listEnvironments()).map((environment) => environment.name);
  const { environment, ...connection } = settings;
  const isNamed = context.options.env !== undefined;
  const file = await saveProfile(io, name, { ...connection, ...(isNamed && { environment }) });
  const use = name === DEFAULT_PROFILE ? '' : `, used with --profile ${name}`;
  context.print(
    `${colors.green(`Logged in to ${settings.apiUrl} as ${settings.clientId}.`)}\nStored the profile "${name}" in ${file}${use}.\nEnvironments: ${environments.join(', ') || 'none'}.`,
    { profile: name, file, apiUrl: settings.apiUrl, clientId: settings.clientId, environments },
  );
}

/** `logout`: removes a profile. */
export async function runLogout(context: CommandContext): Promise<void> {
  const name = context.options.profile ?? DEFAULT_PROFILE;
  await removeProfile(context.io, name);
  context.print(
    `Removed the profile "${name}". Its client still works; to end it: smooai-config clients revoke CLIENT`,
    { profile: name },
  );
}

async function readSecret(context: CommandContext): Promise<string> {
  const secret = (await readAll(context.io.stdin)).replace(/\r?\n$/, '');
  if (secret !== '') return secret;
  throw new UsageError(
    'Standard input is empty. Pipe the client secret into it: smooai-config login --stdin < secret.txt',
  );
}
