/** What tsc says of a schema. */
export interface TypeCost {
  keys: number;
  /** Errors in the schema itself. */
  errors: string[];
  instantiations: number;
  types: number;
  checkSec: number;
  totalSec: number;
}
export function measureTypes(keys: number): Promise<TypeCost>;
