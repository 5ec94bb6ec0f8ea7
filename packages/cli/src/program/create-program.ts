import { Command } from 'commander';
import { colorsFor } from '../text/colors.ts';
import { addAdministrationCommands } from './administration-commands.ts';
import { addSchemaCommands } from './schema-commands.ts';
import { addSetupCommands } from './setup-commands.ts';
import { addValueCommands } from './value-commands.ts';
import type { ProgramOptions } from './with-context.ts';

/** Creates the parser with every command. */
export function createProgram(options: ProgramOptions): Command {
  const { io, version, isJson } = options;
  const program = new Command('smooai-config');
  program
    .description(
      'Push a schema; set, unset, get, explain, list, diff, pull and bake values; manage environments and clients.',
    )
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show help')
    .helpCommand('help [command]', 'show the help of a command')
    .showHelpAfterError('Run with --help to see the usage.')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => isJson || io.stderr.write(text),
      outputError: (text, write) => write(colorsFor(io.stderr, io.env).red(text)),
      getOutHasColors: () => colorsFor(io.stdout, io.env).isColorSupported,
      getErrHasColors: () => colorsFor(io.stderr, io.env).isColorSupported,
    })
    .configureHelp({ showGlobalOptions: true });
  addConnectionOptions(program);
  addSetupCommands(program, options);
  addValueCommands(program, options);
  addSchemaCommands(program, options);
  addAdministrationCommands(program, options);
  program.addHelpText('after', HELP_END);
  return program;
}

function addConnectionOptions(program: Command): void {
  program
    .option('-e, --env <name>', 'environment (SMOOAI_CONFIG_ENV, default development)')
    .option(
      '-c, --credentials <file>',
      'JSON file with apiUrl, authUrl, organizationId, clientId and clientSecret',
    )
    .option('--profile <name>', 'settings that login has stored (default: the profile "default")')
    .option('--api-url <url>', 'base URL of the config API (SMOOAI_CONFIG_API_URL)')
    .option('--auth-url <url>', 'base URL of the OAuth issuer (SMOOAI_CONFIG_AUTH_URL)')
    .option('--client-id <id>', 'OAuth client (SMOOAI_CONFIG_CLIENT_ID)')
    .option('--org <id>', 'organization (SMOOAI_CONFIG_ORG_ID)')
    .option('--allow-insecure-http', 'allow http URLs for hosts other than loopback')
    .option('--show-secrets', 'show secrets instead of masking them')
    .option('--json', 'write JSON instead of text');
}

const HELP_END = `
The client secret comes from SMOOAI_CONFIG_CLIENT_SECRET, the credentials file or a profile. It cannot be
passed as an option, because other users of the machine could read it on the command line.

Exit codes: 0 done; 1 refused by the server, or failed; 2 used incorrectly (argument, file, setting).

Examples:
  $ smooai-config push src/config.ts --credentials credentials.json
  $ smooai-config set flags.newCheckout true --env development --credentials credentials.json
  $ smooai-config list --env production`;
