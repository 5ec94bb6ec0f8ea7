import { Command } from 'commander';
import { addAdministrationCommands } from './administration-commands.ts';
import { examples, type ProgramOptions, withContext } from './command-action.ts';
import { type DiffOptions, runDiff } from './commands/diff.ts';
import { type ExplainOptions, runExplain } from './commands/explain.ts';
import { runGet } from './commands/get.ts';
import { runList } from './commands/list.ts';
import { type PullOptions, runPull } from './commands/pull.ts';
import { type PushOptions, runPush } from './commands/push.ts';
import { runSet, type SetOptions } from './commands/set.ts';
import { runUnset, type UnsetOptions } from './commands/unset.ts';
import { colorsFor } from './format.ts';

/** The tree of commands. */
export function createProgram(options: ProgramOptions): Command {
  const { io, version, isJson } = options;
  const program = new Command('smooai-config');
  program
    .description(
      'Push a schema; set, unset, get, explain, list, diff and pull values; manage environments and clients.',
    )
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show help')
    .helpCommand('help [command]', 'show the help of a command')
    .showHelpAfterError('Run with --help to see how it is used.')
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
  addValueCommands(program, options);
  addSchemaCommands(program, options);
  addAdministrationCommands(program, options);
  program.addHelpText('after', ENVIRONMENT_HELP);
  return program;
}

function addConnectionOptions(program: Command): void {
  program
    .option('-e, --env <name>', 'environment (SMOOAI_CONFIG_ENV, default development)')
    .option(
      '-c, --credentials <file>',
      'JSON file with apiUrl, authUrl, organizationId, clientId and clientSecret',
    )
    .option('--api-url <url>', 'base URL of the config API (SMOOAI_CONFIG_API_URL)')
    .option('--auth-url <url>', 'OAuth issuer (SMOOAI_CONFIG_AUTH_URL)')
    .option('--client-id <id>', 'OAuth client (SMOOAI_CONFIG_CLIENT_ID)')
    .option('--org <id>', 'organization (SMOOAI_CONFIG_ORG_ID)')
    .option('--allow-insecure-http', 'take http URLs of hosts other than loopback')
    .option('--show-secrets', 'show secrets instead of masking them')
    .option('--json', 'write JSON for machines');
}

const ENVIRONMENT_HELP = `
The client secret is taken from SMOOAI_CONFIG_CLIENT_SECRET or the credentials file, and never
from an option, where other users of the machine could read it.

Exit codes: 0 done; 1 refused by the server, or failed; 2 used wrongly (argument, file, setting).

Examples:
  $ smooai-config push src/config.ts --credentials credentials.json
  $ smooai-config set flags.newCheckout true --env development --credentials credentials.json
  $ smooai-config list --env production`;

function addValueCommands(program: Command, options: ProgramOptions): void {
  program
    .command('list')
    .description('list every key with its value in an environment')
    .action(withContext(options, (context, _options: object) => runList(context)))
    .addHelpText('after', examples(['list', 'list --env production --json', 'list --show-secrets']));
  program
    .command('get')
    .description('print the value of a key in an environment')
    .argument('<key>', 'such as flags.newCheckout, or newCheckout')
    .action(withContext(options, (context, key: string, _options: object) => runGet(context, key)))
    .addHelpText('after', examples(['get flags.newCheckout', 'get secrets.paymentKey --show-secrets']));
  program
    .command('explain')
    .description('tell how a flag or limit comes to its value for a context')
    .argument('<key>', 'such as flags.newCheckout, or newCheckout')
    .option('--context <json>', 'attributes of whoever it is evaluated for (default: none)')
    .action(
      withContext(options, (context, key: string, explain: ExplainOptions) =>
        runExplain(context, key, explain),
      ),
    )
    .addHelpText(
      'after',
      examples([
        `explain flags.freeShipping --context '{"country":"NL"}'`,
        'explain limits.cartItems --json',
      ]),
    );
  program
    .command('set')
    .description('set the value of a key in an environment')
    .argument('<key>', 'such as flags.newCheckout, or newCheckout')
    .argument('[value]', "JSON, or text where the key's schema wants a string")
    .option('--stdin', 'read the value from standard input, so that it stays out of the shell history')
    .option('--file <file>', 'read the value as JSON from a file: for targeting')
    .action(
      withContext(options, (context, name: string, text: string | undefined, set: SetOptions) =>
        runSet(context, { name, text, options: set }),
      ),
    )
    .addHelpText(
      'after',
      examples([
        'set flags.newCheckout true --env development',
        'set limits.cartItems 50',
        'set flags.freeShipping --file free-shipping.json',
        'set secrets.paymentKey --stdin < key.txt',
      ]),
    );
  program
    .command('unset')
    .description(
      "delete an environment's own value of a key, so that its fallback's or the default is served",
    )
    .argument('<key>', 'such as flags.newCheckout, or newCheckout')
    .option('-y, --yes', 'ask nothing, also for a secret')
    .action(
      withContext(options, (context, key: string, unset: UnsetOptions) => runUnset(context, key, unset)),
    )
    .addHelpText(
      'after',
      examples(['unset flags.newCheckout --env staging', 'unset secrets.paymentKey --yes']),
    );
  program
    .command('pull')
    .description('write the values of an environment as JSON, secrets only with --show-secrets')
    .option('-o, --output <file>', 'write to a file (mode 0600 if it holds secrets)')
    .action(withContext(options, (context, pull: PullOptions) => runPull(context, pull)))
    .addHelpText(
      'after',
      examples(['pull --env staging', 'pull --env staging --show-secrets -o staging.json']),
    );
}

function addSchemaCommands(program: Command, options: ProgramOptions): void {
  program
    .command('push')
    .description('push a schema file as the next version of its schema')
    .argument('<schema>', 'module that exports `config`, or one schema of another name')
    .option('--name <name>', "the schema's name (default: the name in the nearest package.json)")
    .option('--message <text>', 'a line that the version is remembered by')
    .option('--dry-run', 'show what would change, and do nothing')
    .option('-y, --yes', 'ask nothing')
    .option('--force', 'push though stored values become invalid')
    .action(withContext(options, (context, file: string, push: PushOptions) => runPush(context, file, push)))
    .addHelpText(
      'after',
      `\nIt asks first on a terminal. Without one, a push that only adds or changes keys is\ndone, and one that removes keys needs --yes.\n${examples(
        ['push src/config.ts --dry-run', 'push src/config.ts --name shop --yes'],
      )}`,
    );
  program
    .command('diff')
    .description('compare a schema file with the server, or the values of two environments')
    .argument('[schema]', 'module that exports the schema')
    .option('--name <name>', "the schema's name (default: the name in the nearest package.json)")
    .option('--from <env>', 'environment on the left')
    .option('--to <env>', 'environment on the right')
    .option('--exit-code', 'end with code 1 where there are differences')
    .action(
      withContext(options, (context, file: string | undefined, diff: DiffOptions) =>
        runDiff(context, file, diff),
      ),
    )
    .addHelpText(
      'after',
      examples(['diff src/config.ts', 'diff --from staging --to production --exit-code']),
    );
}
