import { ServerStartError } from '../errors.ts';
import { isLoopback } from '../lib/loopback.ts';
import { parseUrl } from '../lib/parse-url.ts';
import { signingKey } from './webhook-signature.ts';

/** A program that is sent the names of changed keys, by signed requests. */
export interface WebhookOptions {
  /** Where the requests are sent: https, or http to this machine. Without a user name and password. */
  url: string;
  /**
   * Signs the requests, at least 16 characters. With the prefix `whsec_`, the rest is the base64 of the key, as Standard
   * Webhooks says; otherwise the key is the text itself.
   */
  secret: string;
  /** Names of the environments whose changes are sent (default all). */
  environments?: readonly string[];
  /** Allows plain http to other machines, which can then read the names of keys (default false). */
  allowHttp?: boolean;
}

/** A checked webhook. */
export interface WebhookTarget {
  readonly url: URL;
  readonly key: Buffer;
  /** Undefined for all. */
  readonly environments: ReadonlySet<string> | undefined;
}

const MIN_SECRET_LENGTH = 16;

/** @throws {ServerStartError} for an invalid option, named in the message */
export function resolveWebhooks(webhooks: readonly WebhookOptions[]): WebhookTarget[] {
  return webhooks.map(({ url, secret, environments, allowHttp = false }, index) => {
    const option = `webhooks[${index}]`;
    if (environments?.length === 0 || environments?.some((name) => typeof name !== 'string' || name === ''))
      throw invalid(`${option}.environments`, 'must be a list of names; leave it out for all environments');
    return {
      url: targetUrl(`${option}.url`, url, allowHttp),
      key: checkedKey(`${option}.secret`, secret),
      environments: environments && new Set(environments),
    };
  });
}

function targetUrl(option: string, text: string, allowHttp: boolean): URL {
  const url = parseUrl(text);
  if (url === undefined || !/^https?:$/.test(url.protocol)) throw invalid(option, 'must be an https URL');
  if (url.username !== '' || url.password !== '')
    throw invalid(option, 'must not contain a user name or password: the requests are signed instead');
  if (url.protocol === 'http:' && !allowHttp && !isLoopback(url.hostname.replace(/^\[|\]$/g, '')))
    throw invalid(option, 'must be https, because it is on another machine; allowHttp permits http');
  return url;
}

function checkedKey(option: string, secret: string): Buffer {
  if (typeof secret !== 'string' || secret.length < MIN_SECRET_LENGTH)
    throw invalid(
      option,
      `must have at least ${MIN_SECRET_LENGTH} characters: openssl rand -base64 32 creates one`,
    );
  const key = signingKey(secret);
  if (key === undefined) throw invalid(option, 'starts with whsec_, but the rest is not base64');
  return key;
}

function invalid(option: string, rule: string): ServerStartError {
  return new ServerStartError('ERR_OPTIONS_INVALID', `The option ${option} ${rule}.`);
}
