import type { Command } from 'commander';
import { type BuildOptions, runBuild } from '../commands/build.ts';
import { type ExplainOptions, runExplain } from '../commands/explain.ts';
import { runGet } from '../commands/get.ts';
import { runList } from '../commands/list.ts';
import { type PullOptions, runPull } from '../commands/pull.ts';
import { runSet, type SetOptions } from '../commands/set.ts';
import { runUnset, type UnsetOptions } from '../commands/unset.ts';
import { examples, type ProgramOptions, withContext } from './with-context.ts';

const BUILD_HELP = `
The key of the file comes from SMOO_CONFIG_KEY, or from the file that SMOO_CONFIG_KEY_FILE names.
Without one, a new key is printed, and shown only this once. Flags and limits are left out.
`;
const KEY = 'such as flags.newCheckout, or newCheckout';

/** Adds the commands that read and write the values of an environment. */
export function addValueCommands(program: Command, options: ProgramOptions): void {
  addReadCommands(program, options);
  addFileCommands(program, options);
  addWriteCommands(program, options);
}

function addReadCommands(program: Command, options: ProgramOptions): void {
  program
    .command('list')
    .description('list every key with its value in an environment')
    .action(withContext(options, (context, _options: object) => runList(context)))
    .addHelpText('after', examples(['list', 'list --env production --json', 'list --show-secrets']));
  program
    .command('get')
    .description('print the value of a key in an environment')
    .argument('<key>', KEY)
    .action(withContext(options, (context, key: string, _options: object) => runGet(context, key)))
    .addHelpText('after', examples(['get flags.newCheckout', 'get secrets.paymentKey --show-secrets']));
  program
    .command('explain')
    .description('explain how a flag or limit is evaluated for a context')
    .argument('<key>', KEY)
    .option('--context <json>', 'attributes to evaluate for (default: none)')
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
}

function addFileCommands(program: Command, options: ProgramOptions): void {
  program
    .command('pull')
    .description('write the values of an environment as JSON, secrets only with --show-secrets')
    .option('-o, --output <file>', 'write to a file (mode 0600 if it contains secrets)')
    .action(withContext(options, (context, pull: PullOptions) => runPull(context, pull)))
    .addHelpText(
      'after',
      examples(['pull --env staging', 'pull --env staging --show-secrets -o staging.json']),
    );
  program
    .command('build')
    .description('write the public values and secrets of an environment into one encrypted file')
    .requiredOption('--out <file>', 'the file to write (mode 0600)')
    .action(withContext(options, (context, build: BuildOptions) => runBuild(context, build)))
    .addHelpText('after', BUILD_HELP + examples(['build --env production --out config.bundle']));
}

function addWriteCommands(program: Command, options: ProgramOptions): void {
  program
    .command('set')
    .description('set the value of a key in an environment')
    .argument('<key>', KEY)
    .argument('[value]', "JSON, or plain text if the key's schema expects a string")
    .option('--stdin', 'read the value from standard input, to keep it out of the shell history')
    .option('--file <file>', 'read the value as JSON from a file, for targeting')
    .option(
      '--if-version <version>',
      'only if the value still has this version, which "get KEY --json" prints',
    )
    .option('--if-unset', 'only if the environment has no value of its own')
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
        'set limits.cartItems 60 --if-version 3x_Jq0vT2bYdKs9A',
      ]),
    );
  program
    .command('unset')
    .description("delete an environment's own value of a key; its fallback's value or the default applies")
    .argument('<key>', KEY)
    .option('-y, --yes', 'do not ask, not even for a secret')
    .option(
      '--if-version <version>',
      'only if the value still has this version, which "get KEY --json" prints',
    )
    .action(
      withContext(options, (context, key: string, unset: UnsetOptions) => runUnset(context, key, unset)),
    )
    .addHelpText(
      'after',
      examples(['unset flags.newCheckout --env staging', 'unset secrets.paymentKey --yes']),
    );
}
