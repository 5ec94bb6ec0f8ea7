import { request as httpRequest, type IncomingMessage } from 'node:http';
import type { JsonValue } from '@smooai/config';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import fc from 'fast-check';
import { expect } from 'vitest';
import { FuzzCallers } from './openapi-callers.ts';
import { type OpenapiDocument, type OpenapiSchema, operationsOf, readOpenapi } from './openapi-document.ts';
import { type GeneratedRequest, requestsOf, resolveKnown } from './openapi-requests.ts';
import { startShop } from './shop-server.ts';

const SEED = 17;
/** Requests change what exists: after as many, the callers and what requests refer to are made anew. */
const RENEW_AFTER = 40;

/** What the requests have met. */
export interface OpenapiFuzzResult {
  requests: number;
  /** The operations with at least one response below 400. */
  succeeded: Set<string>;
  /** The operations with at least one response from 400 on. */
  refused: Set<string>;
  operationIds: string[];
}

interface SentRequest {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: string | undefined;
}

interface Received {
  status: number;
  type: string | undefined;
  text: string;
}

/**
 * Sends requests that are generated from `/openapi.json` to a real server. Fails for a status of 500 or more, a status
 * that the document does not name for the operation, and a body that the document does not describe.
 */
export async function fuzzOpenapi(numRuns: number): Promise<OpenapiFuzzResult> {
  const shop = await startShop();
  const document = await readOpenapi(shop.server.url);
  const operations = operationsOf(document);
  const callers = new FuzzCallers(shop);
  const findProblem = bodyChecker(document);
  const result: OpenapiFuzzResult = {
    requests: 0,
    succeeded: new Set(),
    refused: new Set(),
    operationIds: operations.map(({ operationId }) => operationId),
  };
  await fc.assert(
    fc.asyncProperty(fc.oneof(...operations.map(requestsOf)), async (generated) => {
      if (result.requests % RENEW_AFTER === 0) await callers.renew();
      result.requests += 1;
      const { operation } = generated;
      const sent = prepare(generated, callers);
      const received = await send(shop.server.url, sent);
      const shown = `${sent.method} ${sent.path}\n${generated.caller}: ${sent.body}\n${received.text}`;
      expect(received.status, shown).toBeLessThan(500);
      expect(Object.keys(operation.responses), shown).toContain(String(received.status));
      const response = operation.responses[received.status]?.content;
      expect(findProblem(response, received), shown).toBeUndefined();
      (received.status < 400 ? result.succeeded : result.refused).add(operation.operationId);
    }),
    { numRuns, seed: SEED, endOnFailure: true },
  );
  return result;
}

function prepare(generated: GeneratedRequest, callers: FuzzCallers): SentRequest {
  const { operation, body } = generated;
  const { headers, query } = callers.credentialsOf(generated.caller);
  const resolve = (value: JsonValue): string => asText(resolveKnown(value, callers.pools));
  const path = operation.path.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
    encodeSegment(resolve(generated.path[name] ?? '')),
  );
  const search = [...Object.entries(generated.query), ...Object.entries(query)]
    .map(([name, value]) => `${encode(name)}=${encode(resolve(value))}`)
    .join('&');
  const own = Object.entries(generated.headers).map(
    ([name, value]) => [name, resolve(value).replaceAll(/[^\x20-\x7e]/g, '?')] as const,
  );
  const sent = { ...Object.fromEntries(own), ...headers };
  const target = { method: operation.method, path: search === '' ? path : `${path}?${search}` };
  if (body.kind === 'none') return { ...target, headers: sent, body: undefined };
  if (body.kind === 'raw') {
    return {
      ...target,
      headers: body.type === '' ? sent : { ...sent, 'content-type': body.type },
      body: body.text,
    };
  }
  const [type = ''] = Object.keys(operation.requestBody?.content ?? {});
  const value = resolveKnown(body.value, callers.pools);
  const isForm = type === 'application/x-www-form-urlencoded';
  return {
    ...target,
    headers: { ...sent, 'content-type': type },
    body: isForm ? formOf(value) : JSON.stringify(value),
  };
}

function formOf(value: JsonValue): string {
  if (typeof value !== 'object' || value === null) return asText(value);
  return Object.entries(value)
    .map(([name, item]) => `${encode(name)}=${encode(asText(item))}`)
    .join('&');
}

function asText(value: JsonValue): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** A percent sign alone stays as it is, so that the path is not a valid URL. */
function encodeSegment(text: string): string {
  return text === '%' ? text : encode(text);
}

/** Also encodes half a surrogate pair, as a replacement character. */
function encode(text: string): string {
  return encodeURIComponent(Buffer.from(text).toString());
}

/** The beginning of an event stream, or the whole response. */
async function send(url: string, { method, path, headers, body }: SentRequest): Promise<Received> {
  const { hostname, port } = new URL(url);
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    // Node sends none for a GET with a body, which the server would then read as the next request.
    const framed = body === undefined ? headers : { ...headers, 'content-length': Buffer.byteLength(body) };
    // A kept connection could end just when it is used again.
    const options = { hostname, port, method, path, headers: framed, agent: false };
    const request = httpRequest(options, resolve);
    request.on('error', reject);
    request.end(body);
  });
  const { statusCode: status = 0 } = response;
  const type = response.headers['content-type']?.split(';')[0];
  if (type === 'text/event-stream') {
    response.destroy();
    return { status, type, text: '' };
  }
  let text = '';
  response.setEncoding('utf8');
  for await (const chunk of response) text += String(chunk);
  return { status, type, text };
}

type Content = Readonly<Record<string, { readonly schema: OpenapiSchema }>> | undefined;

/** Says what is wrong with a body; undefined if the document describes it. */
function bodyChecker({
  components,
}: OpenapiDocument): (content: Content, body: Received) => string | undefined {
  const ajv = new Ajv2020({ strict: false });
  addFormats.default(ajv);
  const validators = new Map<string, ValidateFunction>();
  const closed = close(components) as object;
  return (content, { type, text }) => {
    if (content === undefined) return text === '' ? undefined : 'The document describes none.';
    const entry = type === undefined ? undefined : content[type];
    if (entry === undefined) return `The document does not name the type ${type ?? '(none)'}.`;
    if (type !== 'application/json') return undefined;
    const schema = JSON.stringify(entry.schema);
    let validate = validators.get(schema);
    if (validate === undefined) {
      validate = ajv.compile({ allOf: [close(JSON.parse(schema))], components: closed });
      validators.set(schema, validate);
    }
    return validate(JSON.parse(text)) ? undefined : ajv.errorsText(validate.errors);
  };
}

/** Forbids fields that an object does not list, so that none goes undocumented. */
function close(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(close);
  if (typeof schema !== 'object' || schema === null) return schema;
  const copy = Object.fromEntries(Object.entries(schema).map(([name, value]) => [name, close(value)]));
  const isOpen = 'type' in copy && 'properties' in copy && !('additionalProperties' in copy);
  return isOpen ? { ...copy, additionalProperties: false } : copy;
}
