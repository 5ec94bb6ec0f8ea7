/**
 * Names a place in a request: `values[0].key`, or `whole` when the pointer is empty.
 * @param pointer a JSON pointer (RFC 6901)
 */
export function fieldName(pointer: string, whole: string): string {
  const steps = pointer.split('/').slice(1);
  let name = '';
  for (const step of steps) {
    const text = step.replaceAll('~1', '/').replaceAll('~0', '~');
    name += /^\d+$/.test(text) ? `[${text}]` : `${name === '' ? '' : '.'}${text}`;
  }
  return name === '' ? whole : name;
}
