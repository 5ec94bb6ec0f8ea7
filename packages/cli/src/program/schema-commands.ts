import type { Command } from 'commander';
import { type DiffOptions, runDiff } from '../commands/diff.ts';
import { type PushOptions, runPush } from '../commands/push.ts';
import { examples, type ProgramOptions, withContext } from './with-context.ts';

const NAME = "the schema's name (default: the name in the nearest package.json)";
const PUSH_HELP = `
On a terminal it asks first. Without a terminal, a push that only adds or changes keys needs no
confirmation, and one that removes keys needs --yes.
`;

/** Adds the commands that compare and push a schema. */
export function addSchemaCommands(program: Command, options: ProgramOptions): void {
  program
    .command('push')
    .description('push a schema file as the next version of its schema')
    .argument('<schema>', 'module that exports `config`, or a single schema of any name')
    .option('--name <name>', NAME)
    .option('--message <text>', 'a description of the new version')
    .option('--dry-run', 'show what would change, without changing it')
    .option('-y, --yes', 'do not ask')
    .option('--force', 'push even if stored values become invalid or are deleted')
    .action(withContext(options, (context, file: string, push: PushOptions) => runPush(context, file, push)))
    .addHelpText(
      'after',
      PUSH_HELP + examples(['push src/config.ts --dry-run', 'push src/config.ts --name shop --yes']),
    );
  program
    .command('diff')
    .description('compare a schema file with the server, or the values of two environments')
    .argument('[schema]', 'module that exports the schema')
    .option('--name <name>', NAME)
    .option('--from <env>', 'the first environment')
    .option('--to <env>', 'the second environment')
    .option('--exit-code', 'exit with code 1 if there are differences')
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
