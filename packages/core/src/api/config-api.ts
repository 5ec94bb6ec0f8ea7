import { settingName } from '../environment-variable.ts';
import { ResponseMalformedError } from '../errors.ts';
import { requireText } from '../lib/option-checks.ts';
import { isRecord } from '../lib/record.ts';
import { isRuleset } from '../ruleset/ruleset-shape.ts';
import type {
  Condition,
  Evaluation,
  EvaluationContext,
  JsonValue,
  SchemaDocument,
  Snapshot,
} from '../wire.ts';
import { AuthenticatedRequester, type RequesterOptions } from './authenticated-requester.ts';
import type {
  ApiAuthClient,
  ApiEnvironment,
  ApiSchema,
  ApiSegment,
  ApiValue,
  AuthClientInput,
  CallOptions,
  CreatedAuthClient,
  EnvironmentInput,
  RulesetResult,
  SnapshotInput,
  ValueInput,
  VersionedValue,
  WriteCondition,
} from './config-api-types.ts';
import {
  authClientBody,
  type PushedSchema,
  readAuthClient,
  readCreatedClient,
  readEnvironment,
  versionNumber,
} from './platform-shapes.ts';
import type { ApiRequest } from './request-target.ts';
import { conditionHeaders, secretStrings, versionOf } from './value-requests.ts';

export interface ConfigApiOptions extends RequesterOptions {
  organizationId: string;
}

type Shape = 'object' | 'array';

/**
 * A typed HTTP client for all endpoints of a config server, for one organization. Every method throws
 * `RequestTransportError` (no complete response), `RequestRejectedError` (a status other than 2xx),
 * `ResponseMalformedError` (an unexpected body) or an error of the token provider.
 *
 * @example
 * const api = new ConfigApi({ apiUrl, organizationId, tokenProvider });
 * const values = await api.listValues('production');
 */
export class ConfigApi {
  readonly #requester: AuthenticatedRequester;
  readonly #organization: readonly string[];
  readonly #config: readonly string[];

  /** @throws {OptionsError} naming the option that is empty or invalid. */
  constructor(options: ConfigApiOptions) {
    const organizationId = requireText('organizationId', options.organizationId);
    this.#requester = new AuthenticatedRequester(options);
    this.#organization = ['organizations', organizationId];
    this.#config = [...this.#organization, 'config'];
  }

  /** The stored values of an environment. With `etag` (and its `epoch`), only if they have changed since. */
  async getRuleset(
    environment: string,
    options: CallOptions & { etag?: string | undefined; epoch?: string | undefined } = {},
  ): Promise<RulesetResult> {
    const { etag, epoch, ...call } = options;
    const { status, headers, body } = await this.#requester.json({
      method: 'GET',
      path: [...this.#config, 'ruleset'],
      query: { environment, epoch },
      ...(etag !== undefined && { headers: { 'if-none-match': etag } }),
      accept: etag === undefined ? [404] : [304, 404],
      ...call,
    });
    if (status === 404) return { status: 'unsupported' };
    if (status === 304) return { status: 'unchanged' };
    // A captive portal or a proxy may respond instead of the server.
    const contentType = headers.get('content-type');
    if (contentType !== null && !/^application\/(\S+\+)?json\b/i.test(contentType)) {
      throw wrongShape('GET /ruleset', 'does not have a JSON content type');
    }
    if (!isRuleset(body)) throw wrongShape('GET /ruleset', 'is not a ruleset');
    return { status: 'changed', ruleset: body, etag: headers.get('etag') ?? `"${body.revision}"` };
  }

  /** Opens the event stream of an environment, resumed after `lastEventId` (a revision). `signal` ends it. */
  async openStream(
    environment: string,
    options: CallOptions & { lastEventId?: string | undefined; epoch?: string | undefined } = {},
  ): Promise<ReadableStream<Uint8Array>> {
    const { lastEventId, epoch, ...call } = options;
    return this.#requester.stream({
      method: 'GET',
      isLasting: true,
      path: [...this.#config, 'stream'],
      query: { environment, epoch },
      headers: {
        accept: 'text/event-stream',
        ...(lastEventId !== undefined && { 'last-event-id': lastEventId }),
      },
      ...call,
    });
  }

  /** Lists the values of an environment by key, evaluated for the empty context. */
  async listValues(environment: string, options: CallOptions = {}): Promise<Record<string, JsonValue>> {
    const body = await this.#get<{ values: unknown }>(['values'], { environment }, options);
    if (!isRecord(body.values)) throw wrongShape('GET /values', 'has no "values"');
    return body.values as Record<string, JsonValue>;
  }

  /** Gets one value, evaluated for the empty context. Rejects with status 404 if the key has no value. */
  async getValue(environment: string, key: string, options: CallOptions = {}): Promise<JsonValue> {
    const body = await this.#get<{ value?: JsonValue }>(['values', key], { environment }, options);
    if (body.value === undefined) throw wrongShape('GET /values/{key}', 'has no "value"');
    return body.value;
  }

  /** Gets one value as {@link getValue} does, with the version that a conditional write needs. */
  async getVersionedValue(
    environment: string,
    key: string,
    options: CallOptions = {},
  ): Promise<VersionedValue> {
    const path = [...this.#config, 'values', key];
    const { headers, body } = await this.#requester.json({
      method: 'GET',
      path,
      query: { environment },
      ...options,
    });
    const value = isRecord(body) ? (body.value as JsonValue | undefined) : undefined;
    if (value === undefined) throw wrongShape('GET /values/{key}', 'has no "value"');
    return { value, version: versionOf(headers.get('etag')) };
  }

  /**
   * Stores one value. If the server does not know conditions, it ignores `ifVersion` and `ifUnset`: `getVersionedValue` says
   * whether it does.
   */
  async setValue(input: ValueInput, options: CallOptions & WriteCondition = {}): Promise<ApiValue> {
    const { ifVersion, ifUnset, ...call } = options;
    return this.#send({
      method: 'PUT',
      path: ['values'],
      body: input,
      headers: conditionHeaders({ ifVersion, ifUnset }),
      confidential: secretStrings([input]),
      ...call,
    });
  }

  /** Stores all values, or none if one is refused. */
  async setValues(values: readonly ValueInput[], options: CallOptions = {}): Promise<ApiValue[]> {
    const body = await this.#call({
      method: 'PUT',
      path: ['values', 'bulk'],
      body: { values },
      confidential: secretStrings(values),
      ...options,
    });
    return expect(isRecord(body) && 'values' in body ? body.values : body, 'array', 'PUT /values/bulk');
  }

  /** Deletes a value. A secret needs `force`; without it the status is 409. */
  async deleteValue(
    environment: string,
    key: string,
    options: CallOptions & Pick<WriteCondition, 'ifVersion'> & { force?: boolean | undefined } = {},
  ): Promise<void> {
    const { force, ifVersion, ...call } = options;
    const query = { environment, force: force === true ? 'true' : undefined };
    const headers = conditionHeaders({ ifVersion });
    await this.#call({ method: 'DELETE', path: ['values', key], query, headers, ...call });
  }

  /** Lists the organization's schemas. */
  async listSchemas(options: CallOptions = {}): Promise<ApiSchema[]> {
    return this.#get(['schemas'], {}, options, 'array');
  }

  /** Creates a schema, at version 1. */
  async createSchema(
    input: { name: string; description?: string | null; jsonSchema: SchemaDocument },
    options: CallOptions = {},
  ): Promise<ApiSchema> {
    return this.#send({ method: 'POST', path: ['schemas'], body: input, ...options });
  }

  async getSchema(id: string, options: CallOptions = {}): Promise<ApiSchema> {
    return this.#get(['schemas', id], {}, options);
  }

  /** Changes a schema's name or description. */
  async updateSchema(
    id: string,
    input: { name?: string; description?: string | null },
    options: CallOptions = {},
  ): Promise<ApiSchema> {
    return this.#send({ method: 'PATCH', path: ['schemas', id], body: input, ...options });
  }

  /** Deletes a schema. One with stored values needs `force`; without it the status is 409, with a list of them. */
  async deleteSchema(id: string, options: CallOptions & { force?: boolean | undefined } = {}): Promise<void> {
    const { force, ...call } = options;
    const query = { force: force === true ? 'true' : undefined };
    await this.#call({ method: 'DELETE', path: ['schemas', id], query, ...call });
  }

  /** Adds a version to a schema. Without `force`, the status is 409 if stored values do not fit, with a list of them. */
  async pushSchema(
    id: string,
    input: { jsonSchema: SchemaDocument; changeDescription?: string; force?: boolean },
    options: CallOptions = {},
  ): Promise<{ schema: ApiSchema; version: number }> {
    const path = ['schemas', id, 'push'];
    const pushed = await this.#send<PushedSchema>({ method: 'POST', path, body: input, ...options });
    return { ...pushed, version: versionNumber(pushed.version) };
  }

  /** Lists the organization's environments. */
  async listEnvironments(options: CallOptions = {}): Promise<ApiEnvironment[]> {
    const rows = await this.#get<Partial<ApiEnvironment>[]>(['environments'], {}, options, 'array');
    return rows.map(readEnvironment);
  }

  async createEnvironment(input: EnvironmentInput, options: CallOptions = {}): Promise<ApiEnvironment> {
    return readEnvironment(
      await this.#send({ method: 'POST', path: ['environments'], body: input, ...options }),
    );
  }

  /** Changes an environment; null removes its description or fallback. */
  async updateEnvironment(
    id: string,
    input: Partial<EnvironmentInput>,
    options: CallOptions = {},
  ): Promise<ApiEnvironment> {
    return this.#send({ method: 'PATCH', path: ['environments', id], body: input, ...options });
  }

  /** Deletes an environment with its values. */
  async deleteEnvironment(id: string, options: CallOptions = {}): Promise<void> {
    await this.#call({ method: 'DELETE', path: ['environments', id], ...options });
  }

  /** Lists an environment's segments. */
  async listSegments(environment: string, options: CallOptions = {}): Promise<ApiSegment[]> {
    return this.#get(['segments'], { environment }, options, 'array');
  }

  /** Creates or replaces a segment. */
  async putSegment(
    environment: string,
    name: string,
    input: { condition: Condition; description?: string | null },
    options: CallOptions = {},
  ): Promise<ApiSegment> {
    return this.#send({
      method: 'PUT',
      path: ['segments', name],
      query: { environment },
      body: input,
      ...options,
    });
  }

  /** Deletes a segment. The status is 409 while a stored value uses it. */
  async deleteSegment(environment: string, name: string, options: CallOptions = {}): Promise<void> {
    await this.#call({ method: 'DELETE', path: ['segments', name], query: { environment }, ...options });
  }

  /** Lists the organization's API clients, without their credentials. */
  async listAuthClients(options: CallOptions = {}): Promise<ApiAuthClient[]> {
    const body = await this.#request({
      method: 'GET',
      path: [...this.#organization, 'auth-clients'],
      ...options,
    });
    return expect<Partial<ApiAuthClient>[]>(body, 'array', 'GET /auth-clients').map(readAuthClient);
  }

  /** Creates an API client. The result holds its credential, which the server shows only this once. */
  async createAuthClient(input: AuthClientInput, options: CallOptions = {}): Promise<CreatedAuthClient> {
    const path = [...this.#organization, 'auth-clients'];
    const request = { method: 'POST' as const, path, body: authClientBody(input) };
    const body = await this.#request({ ...request, ...options });
    return readCreatedClient(expect(body, 'object', 'POST /auth-clients'));
  }

  /** Changes an API client's name, environments, scopes, or the origins that may use its publishable key. */
  async updateAuthClient(
    id: string,
    input: Partial<Omit<AuthClientInput, 'type'>>,
    options: CallOptions = {},
  ): Promise<ApiAuthClient> {
    const path = [...this.#organization, 'auth-clients', id];
    const body = await this.#request({ method: 'PATCH', path, body: input, ...options });
    return readAuthClient(expect(body, 'object', 'PATCH /auth-clients/{id}'));
  }

  /** Revokes an API client. Its tokens stop working at once. */
  async revokeAuthClient(id: string, options: CallOptions = {}): Promise<void> {
    await this.#request({ method: 'DELETE', path: [...this.#organization, 'auth-clients', id], ...options });
  }

  /** Evaluates a flag on the server. */
  async evaluateFlag(
    environment: string,
    key: string,
    context: EvaluationContext = {},
    options: CallOptions = {},
  ): Promise<Evaluation> {
    return this.#evaluate(['feature-flags', key, 'evaluate'], { environment, context }, options);
  }

  /** Evaluates a limit on the server. */
  async evaluateLimit(
    environment: string,
    key: string,
    context: EvaluationContext = {},
    options: CallOptions = {},
  ): Promise<Evaluation<number>> {
    const evaluation = await this.#evaluate(['limits', key, 'evaluate'], { environment, context }, options);
    if (typeof evaluation.value !== 'number')
      throw wrongShape('POST /limits/{key}/evaluate', 'has a "value" that is not a number');
    return { ...evaluation, value: evaluation.value };
  }

  /** Gets the values that a browser sees for a context. */
  async getSnapshot(environment: string, input: SnapshotInput = {}): Promise<Snapshot> {
    const { context = {}, keys, ...call } = input;
    const body = { environment, context, ...(keys !== undefined && { keys }) };
    const snapshot = await this.#send<Snapshot>({ method: 'POST', path: ['snapshot'], body, ...call });
    if (!isRecord(snapshot.public) || !isRecord(snapshot.flags) || !isRecord(snapshot.limits)) {
      throw wrongShape('POST /snapshot', 'is not a snapshot');
    }
    return snapshot;
  }

  async #evaluate(path: string[], body: unknown, options: CallOptions): Promise<Evaluation> {
    const evaluation = await this.#send<Evaluation>({ method: 'POST', path, body, ...options });
    if (evaluation.value === undefined || typeof evaluation.source !== 'string') {
      throw wrongShape('POST …/evaluate', 'is not an evaluation');
    }
    return evaluation;
  }

  async #get<Body>(
    path: readonly string[],
    query: Readonly<Record<string, string>>,
    options: CallOptions,
    shape: Shape = 'object',
  ): Promise<Body> {
    return expect(await this.#call({ method: 'GET', path, query, ...options }), shape, `GET /${path[0]}`);
  }

  async #send<Body>(request: ApiRequest): Promise<Body> {
    return expect(await this.#call(request), 'object', `${request.method} /${request.path[0]}`);
  }

  #call(request: ApiRequest): Promise<unknown> {
    return this.#request({ ...request, path: [...this.#config, ...request.path] });
  }

  async #request(request: ApiRequest): Promise<unknown> {
    return (await this.#requester.json(request)).body;
  }
}

/** Checks only that the body is an object or a list, which may be `{ "data": [] }`; its fields are trusted. */
function expect<Body>(response: unknown, shape: Shape, endpoint: string): Body {
  const isWrapped = shape === 'array' && isRecord(response) && Array.isArray(response.data);
  const body = isWrapped ? response.data : response;
  const fits = shape === 'array' ? Array.isArray(body) : isRecord(body);
  if (!fits) throw wrongShape(endpoint, shape === 'array' ? 'is not a list' : 'is not an object');
  return body as Body;
}

function wrongShape(endpoint: string, problem: string): ResponseMalformedError {
  return new ResponseMalformedError(
    `The response to ${endpoint} ${problem}. Check that ${settingName('apiUrl')} is the base URL of a config API.`,
  );
}
