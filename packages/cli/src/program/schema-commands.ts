import type { Command } from 'commander';
import { type DiffOptions, runDiff } from '../commands/diff.ts';
import { type PushOptions, runPush } from '../commands/push.ts';
import { runScan, type ScanOptions } from '../commands/scan.ts';
import {
  runSchemaAdd,
  runSchemaList,
  runSchemaRemove,
  type SchemaAddOptions,
  type SchemaRemoveOptions,
} from '../commands/schemas.ts';
import { examples, type ProgramOptions, withContext } from './with-context.ts';

const NAME = "the schema's name (default: the name in the nearest package.json)";
const PUSH_HELP = `
The file is run, as a program with your rights and variables, to get the schema that it exports: push
only files that you trust. What it prints goes to standard error.

On a terminal it asks first. Without a terminal, a push that only adds or changes keys needs no
confirmation, and one that removes keys needs --yes.
`;

/** Adds the commands that compare and push a schema. */
export function addSchemaCommands(program: Command, options: ProgramOptions): void {
  program
    .command('push')
    .description('run a schema file, and push what it exports as the next version of its schema')
    .argument('<schema>', 'module that exports `config`, or a single schema of any name')
    .option('--name <name>', NAME)
    .option('--message <text>', 'a description of the new version')
    .option('--dry-run', 'show what would change, without changing it')
    .option('-y, --yes', 'do not ask')
    .option('--portable', "refuse a schema that the platform's SDKs in other languages do not understand")
    .option('--force', 'push even if stored values become invalid or are deleted')
    .action(withContext(options, (context, file: string, push: PushOptions) => runPush(context, file, push)))
    .addHelpText(
      'after',
      PUSH_HELP + examples(['push src/config.ts --dry-run', 'push src/config.ts --name shop --yes']),
    );
  addDiffCommand(program, options);
  addScanCommand(program, options);
  addSchemaGroup(program, options);
}

function addDiffCommand(program: Command, options: ProgramOptions): void {
  program
    .command('diff')
    .description('compare a schema file, which is run, with the server, or the values of two environments')
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

const SCAN_HELP = `
It looks for the values of the secrets in every file (plain, escaped, URL-encoded, Base64, hexadecimal),
and for their quoted names in the files that a browser can get. Values come from the environment, from
.env files, and from a bundle of "build" (its key is SMOO_CONFIG_KEY). No value is printed. It exits with
1 if it finds any.
`;

function addScanCommand(program: Command, options: ProgramOptions): void {
  program
    .command('scan')
    .description('look for secrets in the output of a build')
    .argument('<paths...>', 'folders and files')
    .option('--schema <file>', 'module that exports the schema', 'src/config.ts')
    .option('--env-folder <folder>', 'folder of .env files', '.')
    .option('--bundle <file>', 'a bundle made by "build"')
    .option('--allow <file>', 'module that exports `allow`, a list of { key, kind, file, reason }')
    .option('--no-names', 'look for values only, as in source code, which has the names')
    .action(
      withContext(options, (context, paths: string[], scan: ScanOptions) => runScan(context, paths, scan)),
    )
    .addHelpText('after', SCAN_HELP + examples(['scan dist', 'scan .next --schema app/config.ts']));
}

function addSchemaGroup(program: Command, options: ProgramOptions): void {
  const group = program.command('schema').description('list, add and remove schemas');
  group
    .command('list')
    .description('list the schemas with their versions')
    .action(withContext(options, (context, _options: object) => runSchemaList(context)))
    .addHelpText('after', examples(['schema list', 'schema list --json']));
  group
    .command('add')
    .description('create a schema from a JSON document, such as one of an SDK in another language')
    .argument('<name>', "the schema's name")
    .requiredOption('--file <file>', 'the schema document')
    .option('--description <text>', 'a description')
    .action(
      withContext(options, (context, name: string, add: SchemaAddOptions) =>
        runSchemaAdd(context, name, add),
      ),
    )
    .addHelpText('after', examples(['schema add shop --file schema.json']));
  group
    .command('rm')
    .description('delete a schema')
    .argument('<schema>', 'its name or id')
    .option('-y, --yes', 'do not ask')
    .option('--force', 'delete the stored values of its keys too')
    .action(
      withContext(options, (context, name: string, remove: SchemaRemoveOptions) =>
        runSchemaRemove(context, name, remove),
      ),
    )
    .addHelpText('after', examples(['schema rm shop', 'schema rm shop --force --yes']));
}
