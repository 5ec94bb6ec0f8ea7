import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';

/** Has the options of the config server's `createSchemaAjv`, which cannot be imported: the server depends on this package. */
export function serverAjv(): Ajv2020 {
  const ajv = new Ajv2020({
    strict: false,
    validateSchema: false,
    addUsedSchema: false,
    ownProperties: true,
    logger: false,
    multipleOfPrecision: 8,
  });
  ajv.removeKeyword('id');
  ajv.addKeyword({ keyword: 'id' });
  addFormats.default(ajv);
  ajv.addFormat('uri', isUrl);
  return ajv;
}

function isUrl(text: string): boolean {
  try {
    new URL(text);
    return true;
  } catch {
    return false;
  }
}
