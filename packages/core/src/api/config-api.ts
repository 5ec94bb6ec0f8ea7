import { OptionsError, ResponseMalformedError } from '../errors.ts';
import { isRuleset } from '../ruleset/ruleset-shape.ts';
import type { Condition, Evaluation, EvaluationContext, JsonValue, Snapshot, WireSchema } from '../wire.ts';
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
  RulesetAnswer,
  SnapshotInput,
  ValueInput,
} from './config-api-types.ts';
import type { ApiRequest } from './request-target.ts';

/** What {@link ConfigApi} takes. */
export interface ConfigApiOptions extends RequesterOptions {
  organizationId: string;
}

type Shape = 'object' | 'array';

/**
 * The typed HTTP client of every endpoint of a config server, for one organization. Each method throws
 * `RequestTransportError` (no answer), `RequestRejectedError` (another status than 2xx), `ResponseMalformedError` (an
 * answer of another shape) or one of the token provider's errors.
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
    const { organizationId } = options;
    if (typeof organizationId !== 'string' || organizationId.trim() === '') {
      throw new OptionsError('organizationId', 'ConfigApi: "organizationId" is empty.');
    }
    this.#requester = new AuthenticatedRequester(options);
    this.#organization = ['organizations', organizationId];
    this.#config = [...this.#organization, 'config'];
  }

  /** All stored values of an environment as they are; with `etag` (and the `epoch` it is of), only if they changed since. */
  async getRuleset(
    environment: string,
    options: CallOptions & { etag?: string | undefined; epoch?: string | undefined } = {},
  ): Promise<RulesetAnswer> {
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
    // A captive portal or a proxy may put anything in the server's place.
    const contentType = headers.get('content-type');
    if (contentType !== null && !/^application\/(\S+\+)?json\b/i.test(contentType)) {
      throw wrongShape('GET /ruleset', 'the content type of JSON');
    }
    if (!isRuleset(body)) throw wrongShape('GET /ruleset', 'a ruleset');
    return { status: 'changed', ruleset: body, etag: headers.get('etag') ?? `"${body.revision}"` };
  }

  /** The event stream of an environment, resumed after `lastEventId` (a revision) if given. `signal` ends it. */
  async openStream(
    environment: string,
    options: CallOptions & { lastEventId?: string | undefined; epoch?: string | undefined } = {},
  ): Promise<ReadableStream<Uint8Array>> {
    const { lastEventId, epoch, ...call } = options;
    return this.#requester.stream({
      method: 'GET',
      path: [...this.#config, 'stream'],
      query: { environment, epoch },
      headers: {
        accept: 'text/event-stream',
        ...(lastEventId !== undefined && { 'last-event-id': lastEventId }),
      },
      ...call,
    });
  }

  /** The values of an environment by key, evaluated for the empty context. */
  async listValues(environment: string, options: CallOptions = {}): Promise<Record<string, JsonValue>> {
    const answer = await this.#get<{ values: unknown }>(['values'], { environment }, options);
    if (!isObject(answer.values)) throw wrongShape('GET /values', '"values"');
    return answer.values as Record<string, JsonValue>;
  }

  /** One value, evaluated for the empty context; 404 for a key that has none. */
  async getValue(environment: string, key: string, options: CallOptions = {}): Promise<JsonValue> {
    const answer = await this.#get<{ value?: JsonValue }>(['values', key], { environment }, options);
    if (answer.value === undefined) throw wrongShape('GET /values/{key}', '"value"');
    return answer.value;
  }

  /** Stores one value. */
  async setValue(input: ValueInput, options: CallOptions = {}): Promise<ApiValue> {
    return this.#send({
      method: 'PUT',
      path: ['values'],
      body: input,
      confidential: secretTexts([input]),
      ...options,
    });
  }

  /** Stores several values: all, or none. */
  async setValues(values: readonly ValueInput[], options: CallOptions = {}): Promise<ApiValue[]> {
    const answer = await this.#call({
      method: 'PUT',
      path: ['values', 'bulk'],
      body: { values },
      confidential: secretTexts(values),
      ...options,
    });
    const rows = isObject(answer) ? answer.values : answer;
    if (!Array.isArray(rows)) throw wrongShape('PUT /values/bulk', 'a list of values');
    return rows as ApiValue[];
  }

  /** Deletes a value; a secret needs `force`. */
  async deleteValue(
    environment: string,
    key: string,
    options: CallOptions & { force?: boolean | undefined } = {},
  ): Promise<void> {
    const { force, ...call } = options;
    const query = { environment, force: force === true ? 'true' : undefined };
    await this.#call({ method: 'DELETE', path: ['values', key], query, ...call });
  }

  /** The organization's schemas. */
  async listSchemas(options: CallOptions = {}): Promise<ApiSchema[]> {
    return this.#get(['schemas'], {}, options, 'array');
  }

  /** Makes a schema at version 1. */
  async createSchema(
    input: { name: string; description?: string | null; jsonSchema: WireSchema },
    options: CallOptions = {},
  ): Promise<ApiSchema> {
    return this.#send({ method: 'POST', path: ['schemas'], body: input, ...options });
  }

  /** One schema. */
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

  /** Deletes a schema; one with stored values needs `force`, else 409 with the list. */
  async deleteSchema(id: string, options: CallOptions & { force?: boolean | undefined } = {}): Promise<void> {
    const { force, ...call } = options;
    const query = { force: force === true ? 'true' : undefined };
    await this.#call({ method: 'DELETE', path: ['schemas', id], query, ...call });
  }

  /** Makes a new version; 409 with the list where stored values do not fit it, unless `force`. */
  async pushSchema(
    id: string,
    input: { jsonSchema: WireSchema; changeDescription?: string; force?: boolean },
    options: CallOptions = {},
  ): Promise<{ schema: ApiSchema; version: number }> {
    return this.#send({ method: 'POST', path: ['schemas', id, 'push'], body: input, ...options });
  }

  /** The organization's environments. */
  async listEnvironments(options: CallOptions = {}): Promise<ApiEnvironment[]> {
    return this.#get(['environments'], {}, options, 'array');
  }

  /** Makes an environment. */
  async createEnvironment(input: EnvironmentInput, options: CallOptions = {}): Promise<ApiEnvironment> {
    return this.#send({ method: 'POST', path: ['environments'], body: input, ...options });
  }

  /** Changes an environment; null takes its description or fallback away. */
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

  /** An environment's segments. */
  async listSegments(environment: string, options: CallOptions = {}): Promise<ApiSegment[]> {
    return this.#get(['segments'], { environment }, options, 'array');
  }

  /** Makes or replaces a segment. */
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

  /** Deletes a segment; 409 while a stored value uses it. */
  async deleteSegment(environment: string, name: string, options: CallOptions = {}): Promise<void> {
    await this.#call({ method: 'DELETE', path: ['segments', name], query: { environment }, ...options });
  }

  /** The organization's clients, without their credentials. */
  async listAuthClients(options: CallOptions = {}): Promise<ApiAuthClient[]> {
    const answer = await this.#request({
      method: 'GET',
      path: [...this.#organization, 'auth-clients'],
      ...options,
    });
    return expect(answer, 'array', 'GET /auth-clients');
  }

  /** Makes a client; the answer holds its credential, which is shown this once. */
  async createAuthClient(input: AuthClientInput, options: CallOptions = {}): Promise<CreatedAuthClient> {
    const path = [...this.#organization, 'auth-clients'];
    const answer = await this.#request({ method: 'POST', path, body: input, ...options });
    return expect(answer, 'object', 'POST /auth-clients');
  }

  /** Changes a client's name, environments, scopes or the origins that may use its publishable key. */
  async updateAuthClient(
    id: string,
    input: Partial<Omit<AuthClientInput, 'type'>>,
    options: CallOptions = {},
  ): Promise<ApiAuthClient> {
    const path = [...this.#organization, 'auth-clients', id];
    const answer = await this.#request({ method: 'PATCH', path, body: input, ...options });
    return expect(answer, 'object', 'PATCH /auth-clients/{id}');
  }

  /** Revokes a client: its tokens stop working at once. */
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
    const answer = await this.#evaluate(['limits', key, 'evaluate'], { environment, context }, options);
    if (typeof answer.value !== 'number') throw wrongShape('POST /limits/{key}/evaluate', 'a number');
    return { ...answer, value: answer.value };
  }

  /** What a browser sees for a context. */
  async getSnapshot(environment: string, input: SnapshotInput = {}): Promise<Snapshot> {
    const { context = {}, keys, ...call } = input;
    const body = { environment, context, ...(keys !== undefined && { keys }) };
    const answer = await this.#send<Snapshot>({ method: 'POST', path: ['snapshot'], body, ...call });
    if (!isObject(answer.public) || !isObject(answer.flags) || !isObject(answer.limits)) {
      throw wrongShape('POST /snapshot', 'a snapshot');
    }
    return answer;
  }

  async #evaluate(path: string[], body: unknown, options: CallOptions): Promise<Evaluation> {
    const answer = await this.#send<Evaluation>({ method: 'POST', path, body, ...options });
    if (answer.value === undefined || typeof answer.source !== 'string') {
      throw wrongShape('POST …/evaluate', 'an evaluation');
    }
    return answer;
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

/** The server is taken at its word about the fields; that there is an object or a list at all is checked. */
function expect<Body>(body: unknown, shape: Shape, endpoint: string): Body {
  const fits = shape === 'array' ? Array.isArray(body) : isObject(body);
  if (!fits) throw wrongShape(endpoint, shape === 'array' ? 'a list' : 'an object');
  return body as Body;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function wrongShape(endpoint: string, wanted: string): ResponseMalformedError {
  return new ResponseMalformedError(
    `The config API answered ${endpoint} without ${wanted}. Check that apiUrl is the base URL of a config API.`,
  );
}

/** The texts within secrets that are being set: a refusal must not repeat them. */
function secretTexts(inputs: readonly ValueInput[]): string[] {
  return inputs.filter((input) => input.tier === 'secret').flatMap((input) => textsIn(input.value));
}

function textsIn(value: JsonValue): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(textsIn);
}
