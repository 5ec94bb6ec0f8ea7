import { describe, expect, it } from 'vitest';
import { createRedactor, redact } from './redact.ts';

const secret = 'correct-horse-staple';

describe('a redactor', () => {
  it('replaces a secret wherever it stands, and leaves the rest', () => {
    expect(redact(`${secret} was sent as ${secret}.`, [secret])).toBe('[redacted] was sent as [redacted].');
    expect(redact('horse and staple', [secret])).toBe('horse and staple');
  });

  it('replaces every secret it was made with, in one text after another', () => {
    const clean = createRedactor(['first-secret', 'second-secret']);
    expect(clean('first-secret, second-secret')).toBe('[redacted], [redacted]');
    expect(clean('second-secret')).toBe('[redacted]');
  });

  it('replaces a secret that is cut after 16 characters or later, but not an earlier beginning', () => {
    expect(redact(`invalid: ${secret.slice(0, 16)}…`, [secret])).toBe('invalid: [redacted]…');
    expect(redact(`invalid: ${secret.slice(0, 18)}…`, [secret])).toBe('invalid: [redacted]…');
    expect(redact(`invalid: ${secret.slice(0, 15)}…`, [secret])).toBe(`invalid: ${secret.slice(0, 15)}…`);
  });

  it('replaces secrets that overlap as one, also with themselves', () => {
    expect(redact('<abcdef>', ['abcd', 'cdef'])).toBe('<[redacted]>');
    expect(redact('<ababa>', ['aba'])).toBe('<[redacted]>');
  });

  it('ignores an empty secret', () => {
    expect(redact('a text', [''])).toBe('a text');
  });
});

describe('encoded forms of a secret', () => {
  it.each([
    ['in JSON', 'one"two', 'x one\\"two x'],
    ['in a URL', 'one two/three', 'x one%20two%2Fthree x'],
    ['in a URL, with lower-case escapes', 'one two/three', 'x one%20two%2fthree x'],
    ['in a form', 'one two/three', 'x one+two%2Fthree x'],
    ['in Base64', '???>>>', 'x Pz8/Pj4+ x'],
    ['in Base64 for URLs', '???>>>', 'x Pz8_Pj4- x'],
  ])('are replaced %s', (_, original, text) => {
    expect(redact(text, [original])).toBe('x [redacted] x');
  });

  it.each([0, 1, 2])('are replaced inside a longer text in Base64, after %i bytes', (offset) => {
    const text = btoa(`${'-'.repeat(offset)}${secret}-----`);
    const encoded = btoa(`${'-'.repeat(offset)}${secret}`).slice(4, -4);
    expect(text).toContain(encoded);
    expect(redact(text, [secret])).toContain('[redacted]');
    expect(redact(text, [secret])).not.toContain(encoded.slice(0, 4));
    expect(redact(text, [secret])).not.toContain(encoded.slice(-4));
  });

  it('are replaced in Base64 from 6 characters on, as shorter ones can occur by chance', () => {
    expect(redact('YWJjZGU=', ['abcde'])).toBe('[redacted]U=');
    expect(redact('YWJjZA==', ['abcd'])).toBe('YWJjZA==');
  });

  it('are replaced when the secret contains a lone surrogate', () => {
    expect(redact('x key%EF%BF%BD x', ['key\ud800'])).toBe('x [redacted] x');
  });
});

describe('the text of a redactor', () => {
  it('has one space for control characters in a row, and none at its ends', () => {
    expect(redact('\r\n one\r\n\ttwo\u0000three \n', [])).toBe('one two three');
  });

  it('is cut after 500 characters', () => {
    expect(redact('x'.repeat(500), [])).toBe('x'.repeat(500));
    expect(redact('x'.repeat(501), [])).toBe(`${'x'.repeat(500)}…`);
  });

  it('is searched and returned only up to its 20,000th character', () => {
    expect(redact(`${secret.repeat(1000)} and more`, [secret])).toBe('[redacted]');
  });
});
