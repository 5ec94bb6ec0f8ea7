// The worker thread for checks that may take long: of schemas, of values against schemas, and of patterns. The main
// thread stops it once a request has used its budget. In dist, its bundle is beside that of the module that starts it.
import { parentPort, workerData } from 'node:worker_threads';
import { findSchemaIssue, SchemaValidators } from './schema-validators.js';

/** @import { CheckJob, PatternJob, SchemaJob } from './check-job.ts' */

const validators = new SchemaValidators();
/** Shared with the main thread, so that it knows what was being checked if the worker is stopped. */
const progress = new Int32Array(workerData.progress);

parentPort?.on('message', (/** @type {CheckJob} */ job) => {
  const work =
    job.kind === 'pattern' ? analyse(job) : Promise.resolve(job.isNew ? compileAll(job) : checkAll(job));
  work.then(
    (result) => parentPort?.postMessage({ result }),
    // Without the error, whose message may quote a value.
    (error) => parentPort?.postMessage({ failure: error instanceof Error ? error.name : 'unknown' }),
  );
});

/**
 * Compiles schemas of a pushed document. Returns the first that is refused.
 * @param {SchemaJob} job
 */
function compileAll({ schemas }) {
  for (const [index, { text, original }] of schemas.entries()) {
    report(index, -1);
    const issue = findSchemaIssue(original ?? text) ?? findCompileIssue(text);
    if (issue !== undefined) return { index, ...issue };
  }
  return undefined;
}

/** @param {string} text */
function findCompileIssue(text) {
  try {
    validators.compile(text);
    return undefined;
  } catch (error) {
    if (error instanceof RangeError)
      return { path: '', reason: 'it is too large to compile, or refers to itself without end' };
    const reason = error instanceof Error ? error.message : 'it does not compile';
    return { path: '', reason: reason.slice(0, 300) };
  }
}

/**
 * Checks values against their schemas. Returns an issue or null for each; `unusable` for a schema that does not compile.
 * @param {SchemaJob} job
 */
function checkAll({ schemas }) {
  return schemas.map(({ text, values }, index) => {
    report(index, -1);
    const validate = compileStored(text);
    if (validate === undefined) return 'unusable';
    return values.map((value, place) => {
      report(index, place);
      return checkOne(validate, value);
    });
  });
}

/** @param {string} text a schema that an older server may have stored, in a form that is refused today */
function compileStored(text) {
  try {
    return validators.compile(text);
  } catch {
    return undefined;
  }
}

/**
 * @param {import('ajv/dist/2020.js').ValidateFunction} validate
 * @param {string} value
 */
function checkOne(validate, value) {
  try {
    return validators.check(validate, value);
  } catch (error) {
    // A stack overflow from references that lead back to themselves, or a pattern that is too large to run.
    if (error instanceof RangeError || error instanceof SyntaxError) return 'endless';
    throw error;
  }
}

/** @param {PatternJob} job */
async function analyse({ source, flags }) {
  // Loaded when it is needed: it takes 0.1 s and some 40 MB. The browser build is pure JavaScript; the others come with
  // a binary or need Java. It is bundled into dist, since the package itself would install both.
  // @ts-expect-error It has no types.
  const { default: recheck } = await import('recheck/lib/browser.js');
  try {
    // The main thread stops the worker in time; a limit by the clock would refuse patterns on a busy machine.
    return recheck.checkSync(source, flags, { timeout: null }).status;
  } catch {
    // Not analysed, so not proven safe.
    return 'unknown';
  }
}

/**
 * @param {number} schema
 * @param {number} value
 */
function report(schema, value) {
  progress[0] = schema;
  progress[1] = value;
}

parentPort?.postMessage('ready');
