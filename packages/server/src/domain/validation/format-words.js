/**
 * Descriptions of JSON Schema formats for error messages.
 * @type {Readonly<Record<string, string>>}
 */
const WORDS = {
  uri: 'a URL, such as https://example.com',
  url: 'a URL, such as https://example.com',
  'uri-reference': 'a URL or a path',
  email: 'an e-mail address',
  uuid: 'a UUID',
  guid: 'a UUID',
  'date-time': 'a date and time, such as 2026-01-31T12:00:00Z',
  'iso-date-time': 'a date and time, such as 2026-01-31T12:00:00Z',
  date: 'a date, such as 2026-01-31',
  time: 'a time, such as 12:00:00Z',
  'iso-time': 'a time, such as 12:00:00Z',
  duration: 'an ISO 8601 duration, such as P3DT4H',
  hostname: 'a host name',
  ipv4: 'an IPv4 address',
  ipv6: 'an IPv6 address',
  cidrv4: 'an IPv4 range, such as 10.0.0.0/8',
  cidrv6: 'an IPv6 range',
  regex: 'a regular expression',
  'json-pointer': 'a JSON pointer',
  base64: 'base64',
  base64url: 'base64url',
  byte: 'base64',
  e164: 'a phone number in international form, such as +31201234567',
  jwt: 'a JSON Web Token',
  emoji: 'an emoji',
  semver: 'a semantic version, such as 1.2.3',
};

/**
 * `an object or an array` for the types of a JSON Schema: a name, a list, or a list as text, as ajv has it.
 * @param {string | readonly string[]} types
 * @returns {string}
 */
export function typeWords(types) {
  const names = typeof types === 'string' ? types.split(',') : types;
  return names
    .map((name) => (/^[aeiou]/.test(name) ? `an ${name}` : name === 'null' ? name : `a ${name}`))
    .join(' or ');
}

/**
 * `a URL, such as …` for `uri`; the format's own name if it has no description here.
 * @param {string} format
 * @returns {string}
 */
export function formatWords(format) {
  return (
    (Object.hasOwn(WORDS, format) ? WORDS[format] : undefined) ?? `in the format "${format.slice(0, 50)}"`
  );
}
