// JavaScript, as everything in the worker thread, so that tests can run it from source: Node 20 does not run TypeScript.
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { formatWords, typeWords } from './format-words.js';

/** @import { ErrorObject, ValidateFunction } from 'ajv/dist/2020.js' */
/** @typedef {{ pointer: string, reason: string }} ValueIssue */

/**
 * Most characters of the schemas whose validators are kept. A validator needs up to 200 times the memory of its schema.
 */
const MAX_KEPT_CHARACTERS = 256 * 1024;

/** Compiles schemas and checks values with them. The last validators are kept for the next request. */
export class SchemaValidators {
  #ajv = createSchemaAjv();
  /** @type {Map<string, ValidateFunction>} By the text of the schema. */
  #kept = new Map();
  #keptCharacters = 0;

  /**
   * @param {string} text a schema as JSON
   * @throws {Error} for a schema that cannot be compiled
   */
  compile(text) {
    const known = this.#kept.get(text);
    if (known !== undefined) return known;
    if (this.#keptCharacters + text.length > MAX_KEPT_CHARACTERS) this.#dropAll();
    this.#keptCharacters += text.length;
    const validate = this.#ajv.compile(JSON.parse(text));
    this.#kept.set(text, validate);
    return validate;
  }

  /**
   * Returns what is wrong with a value, given as JSON; null if nothing is.
   * @param {ValidateFunction} validate
   * @param {string} valueText
   * @returns {ValueIssue | null}
   */
  check(validate, valueText) {
    if (passes(validate, JSON.parse(valueText))) return null;
    return toIssue(this.#ajv, validate.errors?.[0]);
  }

  /** A new ajv too, because it keeps parts of everything it has ever compiled. */
  #dropAll() {
    this.#ajv = createSchemaAjv();
    this.#kept = new Map();
    this.#keptCharacters = 0;
  }
}

/** @type {Ajv2020 | undefined} */
let metaAjv;

/**
 * Returns why a text is not a JSON Schema of draft 2020-12; undefined if it is one.
 * @param {string} text
 * @returns {{ path: string, reason: string } | undefined}
 */
export function findSchemaIssue(text) {
  metaAjv ??= new Ajv2020({ strict: false, logger: false });
  if (metaAjv.validateSchema(JSON.parse(text)) === true) return undefined;
  const error = metaAjv.errors?.[0];
  return {
    path: (error?.instancePath ?? '').replaceAll('/', '.'),
    reason: `it ${error === undefined || error === null ? 'is refused' : reasonOf(error)}`,
  };
}

/** Creates a validator for draft 2020-12 with formats; it ignores unknown keywords. */
function createSchemaAjv() {
  const ajv = new Ajv2020({
    strict: false,
    meta: false,
    validateSchema: false,
    addUsedSchema: false,
    ownProperties: true,
    logger: false,
    // Otherwise n references to a schema with n properties become n² checks in the generated code.
    inlineRefs: false,
    // Takes half of the time to compile, and most validators run a few times only.
    code: { optimize: false },
    // Adds schema and value to errors: `toIssue` needs to know whether the schema names a format.
    verbose: true,
    // Makes 0.3 a multiple of 0.1, as in the schema libraries.
    multipleOfPrecision: 8,
  });
  // Otherwise ajv throws for "id", which zod and others write as an annotation.
  ajv.removeKeyword('id');
  ajv.addKeyword({ keyword: 'id' });
  addFormats.default(ajv);
  // The URLs of zod, valibot and arktype: RFC 3986 would refuse spaces and letters outside ASCII.
  ajv.addFormat('uri', isUrl);
  return ajv;
}

/**
 * Not `URL.canParse`: in Node 20 its result changes once it is optimized.
 * @param {string} text
 */
function isUrl(text) {
  try {
    return new URL(text) instanceof URL;
  } catch {
    return false;
  }
}

/**
 * Whether a value passes. A validator that returns a promise (`$async`) refuses every value, and its rejection, which
 * contains the value, is never reported. So does one that throws a TypeError: ajv compares objects (`const`, `enum`,
 * `uniqueItems`) by calling their `valueOf` and `toString`, even if these are properties from JSON.
 * @param {ValidateFunction} validate
 * @param {unknown} value
 * @returns {boolean}
 */
export function passes(validate, value) {
  validate.errors = null;
  /** @type {unknown} */
  let result;
  try {
    result = validate(value);
  } catch (error) {
    if (error instanceof TypeError) return false;
    throw error;
  }
  if (typeof result === 'boolean') return result;
  Promise.resolve(result).catch(() => undefined);
  return false;
}

/**
 * @param {Ajv2020} ajv
 * @param {ErrorObject | undefined} error
 * @returns {ValueIssue}
 */
function toIssue(ajv, error) {
  const pointer = error?.instancePath ?? '';
  const reason = error === undefined ? 'does not match its schema' : reasonOf(error);
  if (error?.keyword === 'format' || error?.keyword === 'pattern') {
    return { pointer, reason: formatReason(ajv, error) ?? reason };
  }
  return { pointer, reason };
}

/**
 * Ajv's own message, except where it has no article or does not name the values.
 * @param {ErrorObject} error
 * @returns {string}
 */
function reasonOf({ keyword, params, message }) {
  if (keyword === 'enum') return `must be one of ${JSON.stringify(params.allowedValues)}`.slice(0, 300);
  if (keyword === 'type') return `must be ${typeWords(params.type)}`;
  return message ?? 'does not match its schema';
}

/** @type {Map<string, { format: string }>} */
const FORMAT_SCHEMAS = new Map();

/**
 * Returns the same object each time, because ajv caches compiled schemas by identity.
 * @param {string} format
 */
function schemaOfFormat(format) {
  const known = FORMAT_SCHEMAS.get(format);
  if (known !== undefined) return known;
  const schema = { format };
  FORMAT_SCHEMAS.set(format, schema);
  return schema;
}

/**
 * Schema libraries write the pattern of a format beside its name (`x-format` in documents of @smooai/config, where it
 * is a name without a check). The message quotes the pattern only if the value has the right format and still fails.
 * @param {Ajv2020} ajv
 * @param {ErrorObject} error
 * @returns {string | undefined}
 */
function formatReason(ajv, error) {
  /** @type {unknown} */
  const format = error.parentSchema?.format ?? error.parentSchema?.['x-format'];
  if (typeof format !== 'string') return undefined;
  const words = `must be ${formatWords(format)}`;
  if (error.keyword === 'format') return words;
  const hasFormat = Object.hasOwn(ajv.formats, format) && ajv.validate(schemaOfFormat(format), error.data);
  return hasFormat ? `${words}, and match pattern ${JSON.stringify(error.params.pattern)}` : words;
}
