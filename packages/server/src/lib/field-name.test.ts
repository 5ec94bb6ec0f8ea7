import { expect, it } from 'vitest';
import { fieldName } from './field-name.ts';

it('reads JSON pointers', () => {
  expect(fieldName('', 'body')).toBe('body');
  expect(fieldName('/a~1b/0/c~0d', 'body')).toBe('a/b[0].c~d');
});
