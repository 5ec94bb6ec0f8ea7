/** A JSON Schema of the document. */
export type OpenapiSchema = Readonly<Record<string, unknown>> | boolean;

interface OpenapiContent {
  readonly content?: Readonly<Record<string, { readonly schema: OpenapiSchema }>>;
}

/** An operation of `/openapi.json`. */
export interface Operation {
  readonly path: string;
  readonly method: string;
  readonly operationId: string;
  readonly parameters?: readonly {
    readonly in: 'path' | 'query' | 'header';
    readonly name: string;
    readonly required?: boolean;
    readonly schema: OpenapiSchema;
  }[];
  readonly requestBody?: Required<OpenapiContent>;
  readonly security: readonly Readonly<Record<string, readonly string[]>>[];
  readonly responses: Readonly<Record<string, OpenapiContent>>;
}

/** The parts of `/openapi.json` that tests read. */
export interface OpenapiDocument {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Omit<Operation, 'path' | 'method'>>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, OpenapiSchema>> };
}

/** Reads the document of a running server. */
export async function readOpenapi(url: string): Promise<OpenapiDocument> {
  const response = await fetch(`${url}/openapi.json`);
  return (await response.json()) as OpenapiDocument;
}

export function operationsOf({ paths }: OpenapiDocument): Operation[] {
  return Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ ...operation, path, method: method.toUpperCase() })),
  );
}
