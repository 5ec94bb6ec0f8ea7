import type { Command } from 'commander';
import { runInit } from '../commands/init.ts';
import { type LoginOptions, runLogin, runLogout } from '../commands/login.ts';
import { examples, type ProgramOptions, withContext } from './with-context.ts';

const LOGIN_HELP = `
The settings come from --credentials, options and variables, and are checked with the server. The
profile is stored in the user's config folder, in a file that only this user can read.
`;

/** Adds the commands with which a user begins. */
export function addSetupCommands(program: Command, options: ProgramOptions): void {
  program
    .command('init')
    .description('write a schema file to start from, and print the next steps')
    .argument('[file]', 'the file to write (default: src/config.ts); never overwritten')
    .action(
      withContext(options, (context, file: string | undefined, _options: object) => runInit(context, file)),
    )
    .addHelpText('after', examples(['init', 'init packages/shared/config.ts']));
  program
    .command('login')
    .description('store the settings of a config server as a profile')
    .option('--stdin', 'read the client secret from standard input')
    .action(withContext(options, (context, login: LoginOptions) => runLogin(context, login)))
    .addHelpText(
      'after',
      LOGIN_HELP +
        examples(['login --credentials credentials.json', 'login --profile ci --stdin < secret.txt']),
    );
  program
    .command('logout')
    .description('remove a profile')
    .action(withContext(options, (context, _options: object) => runLogout(context)))
    .addHelpText('after', examples(['logout', 'logout --profile ci']));
}
