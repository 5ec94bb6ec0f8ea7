import { readFileSync } from 'node:fs';
import { type Command, Option } from 'commander';
import { ServerStartError } from './errors.ts';
import { codeSuffix } from './lib/error-code.ts';
import type { WebhookOptions } from './webhooks/webhook-options.ts';

const URL_VARIABLE = 'SMOOAI_CONFIG_SERVER_WEBHOOK_URL';
const ENVIRONMENTS_VARIABLE = 'SMOOAI_CONFIG_SERVER_WEBHOOK_ENVIRONMENTS';
const SECRET_VARIABLE = 'SMOOAI_CONFIG_SERVER_WEBHOOK_SECRET';
const SECRET_FILE_VARIABLE = 'SMOOAI_CONFIG_SERVER_WEBHOOK_SECRET_FILE';

/** The flags of {@link addWebhookFlags}. */
export interface WebhookFlags {
  webhook?: string[];
  webhookEnvironments?: string[];
  webhookSecretFile?: string;
  webhookAllowHttp?: boolean;
}

/** Adds the flags of webhooks. The secret is not one of them: other users of the machine can read arguments. */
export function addWebhookFlags(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--webhook <url>',
        `send the names of changed keys here, signed with ${SECRET_VARIABLE}; repeatable`,
      )
        .env(URL_VARIABLE)
        .argParser((text, urls: string[] | undefined) => [...(urls ?? []), ...words(text, /\s+/)]),
    )
    .addOption(
      new Option('--webhook-environments <names>', 'only for these environments, separated by commas')
        .env(ENVIRONMENTS_VARIABLE)
        .argParser((text) => words(text, /\s*,\s*/)),
    )
    .addOption(
      new Option(
        '--webhook-secret-file <file>',
        `the file with the secret, instead of ${SECRET_VARIABLE}`,
      ).env(SECRET_FILE_VARIABLE),
    )
    .option('--webhook-allow-http', 'allow webhooks over plain HTTP to other machines');
}

/**
 * The webhooks that the flags describe.
 * @throws {ServerStartError} without a secret, or if its file cannot be read
 */
export function webhooksOf(
  { webhook: urls = [], webhookEnvironments: environments = [], ...flags }: WebhookFlags,
  env: Readonly<Record<string, string | undefined>>,
): WebhookOptions[] {
  if (urls.length === 0) return [];
  const secret = flags.webhookSecretFile ? readSecret(flags.webhookSecretFile) : env[SECRET_VARIABLE]?.trim();
  if (!secret) throw invalid(`With --webhook, set ${SECRET_VARIABLE} or add --webhook-secret-file FILE.`);
  return urls.map((url) => ({
    url,
    secret,
    allowHttp: flags.webhookAllowHttp ?? false,
    ...(environments.length > 0 && { environments }),
  }));
}

function readSecret(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (cause) {
    throw invalid(`The file ${file} of --webhook-secret-file cannot be read${codeSuffix(cause)}.`, { cause });
  }
}

function words(text: string, separator: RegExp): string[] {
  return text.split(separator).filter((word) => word !== '');
}

function invalid(message: string, options?: ErrorOptions): ServerStartError {
  return new ServerStartError('ERR_OPTIONS_INVALID', message, options);
}
