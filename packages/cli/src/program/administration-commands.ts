import { type Command, Option } from 'commander';
import {
  type ClientCreateOptions,
  type ClientListOptions,
  type ClientRevokeOptions,
  runClientCreate,
  runClientList,
  runClientRevoke,
} from '../commands/clients.ts';
import {
  type EnvironmentCreateOptions,
  type EnvironmentDeleteOptions,
  type EnvironmentUpdateOptions,
  runEnvironmentCreate,
  runEnvironmentDelete,
  runEnvironmentList,
  runEnvironmentUpdate,
} from '../commands/environments.ts';
import { examples, type ProgramOptions, withContext } from './with-context.ts';

/** Adds the commands that manage environments and clients. */
export function addAdministrationCommands(program: Command, options: ProgramOptions): void {
  addEnvironmentCommands(program, options);
  addClientCommands(program, options);
}

function addEnvironmentCommands(program: Command, options: ProgramOptions): void {
  const group = program.command('env').description('list, create, update and delete environments');
  group
    .command('list')
    .description('list the environments and their fallbacks')
    .action(withContext(options, (context, _options: object) => runEnvironmentList(context)))
    .addHelpText('after', examples(['env list', 'env list --json']));
  group
    .command('create')
    .description('create an environment')
    .argument('<name>', 'lower-case letters, digits and dashes')
    .option('--fallback <env>', 'environment to inherit missing values and segments from')
    .option('--description <text>', 'a description')
    .action(
      withContext(options, (context, name: string, create: EnvironmentCreateOptions) =>
        runEnvironmentCreate(context, name, create),
      ),
    )
    .addHelpText('after', examples(['env create preview --fallback staging']));
  const update = group
    .command('update')
    .description("change an environment's name, fallback or description")
    .argument('<name>', 'the environment')
    .option('--name <name>', 'a new name; clients that use the old one must be changed')
    .option('--fallback <env>', 'environment to inherit missing values and segments from')
    .option('--no-fallback', 'inherit from no environment')
    .option('--description <text>', 'a description; empty removes it')
    .action(
      withContext(options, (context, name: string, changes: EnvironmentUpdateOptions) =>
        runEnvironmentUpdate(context, name, changes),
      ),
    )
    .addHelpText(
      'after',
      examples(['env update preview --fallback production', 'env update preview --no-fallback']),
    );
  refuseBoth(update, '--fallback <env>', '--no-fallback');
  group
    .command('delete')
    .description('delete an environment with its values and segments')
    .argument('<name>', 'the environment')
    .option('-y, --yes', 'do not ask')
    .action(
      withContext(options, (context, name: string, remove: EnvironmentDeleteOptions) =>
        runEnvironmentDelete(context, name, remove),
      ),
    )
    .addHelpText('after', examples(['env delete preview --yes']));
}

function addClientCommands(program: Command, options: ProgramOptions): void {
  const group = program.command('clients').description('list, create and revoke API clients');
  group
    .command('list')
    .description('list the clients, without their secrets')
    .option('--all', 'include revoked clients')
    .action(withContext(options, (context, list: ClientListOptions) => runClientList(context, list)))
    .addHelpText('after', examples(['clients list', 'clients list --all --json']));
  group
    .command('create')
    .description('create a client and print its secret or key, which is shown only once')
    .argument('<name>', 'a name for the list')
    .addOption(
      new Option('--type <type>', 'm2m: a secret, for servers; b2m: a publishable key, for browsers')
        .choices(['m2m', 'b2m'])
        .default('m2m'),
    )
    .option(
      '--environments <names>',
      'environments it may use, separated by commas (default: that of --env, else all)',
      list,
    )
    .option(
      '--scopes <scopes>',
      'config:read, config:write, config:admin, separated by commas (default: config:read)',
      list,
    )
    .option(
      '--origins <urls>',
      'origins of the pages that may use a publishable key, separated by commas',
      list,
    )
    .action(
      withContext(options, (context, name: string, create: ClientCreateOptions) =>
        runClientCreate(context, name, create),
      ),
    )
    .addHelpText(
      'after',
      `\nAn m2m client is printed as the lines of a .env file, or with --json as a file for --credentials.\n${examples(
        [
          'clients create shop-api --environments production >> .env.production',
          'clients create ci --scopes config:read,config:write --json',
          'clients create web --type b2m --environments production --origins https://shop.example',
        ],
      )}`,
    );
  group
    .command('revoke')
    .description('revoke a client: its tokens and key stop working immediately')
    .argument('<client>', 'its id, or its name if only one client has it')
    .option('-y, --yes', 'do not ask')
    .action(
      withContext(options, (context, name: string, revoke: ClientRevokeOptions) =>
        runClientRevoke(context, name, revoke),
      ),
    )
    .addHelpText('after', examples(['clients revoke ci --yes']));
}

function list(text: string): string[] {
  return text
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');
}

/** Refuses an option together with its opposite. They are one option for commander, which takes the last of them. */
function refuseBoth(command: Command, ...flags: readonly [string, string]): void {
  const given = new Set<string>();
  for (const flag of flags) {
    command.on(`option:${flag.replace(/^--| .*$/g, '')}`, () => {
      given.add(flag);
      if (given.size < 2) return;
      command.error(`error: option '${flags[0]}' cannot be used with option '${flags[1]}'`, {
        code: 'commander.conflictingOption',
      });
    });
  }
}
