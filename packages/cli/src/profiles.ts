import { mkdir, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { CliIo } from './cli-io.ts';
import { UsageError } from './errors.ts';
import { readJsonFile, replaceFile } from './files.ts';
import { isRecord } from './json.ts';
import { didYouMean } from './text/did-you-mean.ts';

/** The profile that is used without `--profile`. */
export const DEFAULT_PROFILE = 'default';

const FIELDS = ['apiUrl', 'authUrl', 'organizationId', 'clientId', 'clientSecret', 'environment'] as const;

/** The settings that `login` has stored under a name. They contain the client secret. */
export type Profile = Partial<Record<(typeof FIELDS)[number], string>>;

type Profiles = Record<string, Profile>;

/**
 * The file with all profiles, in the user's config folder; undefined if the variables do not say where that is.
 * XDG Base Directory Specification; on Windows the roaming application data.
 */
export function profilesFile({ env }: Pick<CliIo, 'env'>): string | undefined {
  const home = env.HOME || env.USERPROFILE;
  const folder = env.XDG_CONFIG_HOME || env.APPDATA || (home ? join(home, '.config') : undefined);
  return folder === undefined ? undefined : join(folder, 'smooai-config', 'profiles.json');
}

/**
 * Returns the profile with this name.
 *
 * @throws {UsageError} with the names that exist.
 */
export async function findProfile(io: CliIo, name: string): Promise<Profile> {
  const profiles = await readProfiles(io);
  const profile = Object.hasOwn(profiles, name) ? profiles[name] : undefined;
  if (profile !== undefined) return profile;
  const store = `Store one with: smooai-config login --profile ${name}`;
  throw new UsageError(`${unknownProfile(name, profiles)} ${store}`);
}

/** Returns the default profile; undefined if there is none. */
export async function findDefaultProfile(io: CliIo): Promise<Profile | undefined> {
  return (await readProfiles(io))[DEFAULT_PROFILE];
}

/** Stores a profile, and returns the name of the file. @throws {UsageError} if it cannot be written. */
export async function saveProfile(io: CliIo, name: string, profile: Profile): Promise<string> {
  if (!/^[a-z0-9][a-z0-9._-]{0,63}$/i.test(name) || name in {}) {
    throw new UsageError(`"${name}" cannot be the name of a profile. Use letters, digits, ".", "_" and "-".`);
  }
  return writeProfiles(io, { ...(await readProfiles(io)), [name]: profile });
}

/** Removes a profile. @throws {UsageError} with the names that exist, if there is none of that name. */
export async function removeProfile(io: CliIo, name: string): Promise<void> {
  const { [name]: removed, ...rest } = await readProfiles(io);
  if (removed === undefined) throw new UsageError(unknownProfile(name, rest));
  const file = profilesFile(io);
  if (Object.keys(rest).length > 0 || file === undefined) await writeProfiles(io, rest);
  else await rm(file, { force: true });
}

function unknownProfile(name: string, profiles: Profiles): string {
  const names = Object.keys(profiles);
  return `Unknown profile "${name}".${didYouMean(name, names)} Profiles: ${names.join(', ') || 'none'}.`;
}

async function readProfiles(io: CliIo): Promise<Profiles> {
  const file = profilesFile(io);
  const stats = file === undefined ? undefined : await stat(file).catch(() => undefined);
  if (file === undefined || stats === undefined) return {};
  if (process.platform !== 'win32' && (stats.mode & 0o077) !== 0) {
    io.stderr.write(
      `warning: ${file} contains secrets and other users can read it. Run: chmod 600 ${file}\n`,
    );
  }
  const content = await readJsonFile(file, `The profiles file ${file}`).catch((error: unknown) => {
    if (!(error instanceof UsageError)) throw error;
    throw new UsageError(`${error.message} Correct it, or delete it and log in again: smooai-config login`);
  });
  const profiles: Profiles = {};
  for (const [name, profile] of Object.entries(isRecord(content) ? content : {})) {
    if (isRecord(profile) && Object.values(profile).every((value) => typeof value === 'string')) {
      profiles[name] = profile as Profile;
    }
  }
  return profiles;
}

async function writeProfiles(io: CliIo, profiles: Profiles): Promise<string> {
  const file = profilesFile(io);
  if (file === undefined) {
    throw new UsageError('The folder for profiles is not known. Set HOME or XDG_CONFIG_HOME.');
  }
  await mkdir(dirname(file), { recursive: true, mode: 0o700 }).catch(() => undefined);
  await replaceFile(io, file, { content: `${JSON.stringify(profiles, undefined, 2)}\n`, mode: 0o600 });
  return file;
}
