const LONGEST = 500;
const MARK = '[redacted]';

/**
 * A text of someone else's (a server, a network library) made fit for an error: every form of `secrets` (plain,
 * URL-encoded, base64) is replaced, control characters become spaces, and the rest is cut at 500 characters.
 */
export function redact(text: string, secrets: readonly string[]): string {
  let clean = text;
  for (const form of secrets.flatMap(formsOf).sort((a, b) => b.length - a.length)) {
    clean = clean.replaceAll(form, MARK);
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
  clean = clean.replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ').trim();
  return clean.length > LONGEST ? `${clean.slice(0, LONGEST)}…` : clean;
}

function formsOf(secret: string): string[] {
  if (secret === '') return [];
  const encoded = [urlEncode(secret), new URLSearchParams({ s: secret }).toString().slice(2)];
  const lower = encoded.map((form) => form.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase()));
  return [
    ...new Set([secret, JSON.stringify(secret).slice(1, -1), ...encoded, ...lower, ...base64Forms(secret)]),
  ];
}

function urlEncode(secret: string): string {
  // A lone surrogate has no URL-encoded form; encoding to bytes replaces it.
  return encodeURIComponent(new TextDecoder().decode(new TextEncoder().encode(secret)));
}

/** Base64 of the secret wherever it lies in an encoded text: each of the three ways its bytes may be aligned. */
function base64Forms(secret: string): string[] {
  const bytes = new TextEncoder().encode(secret);
  const forms: string[] = [];
  for (let offset = 0; offset < 3; offset++) {
    const binary = '\0'.repeat(offset) + String.fromCharCode(...bytes);
    const first = Math.ceil((offset * 8) / 6);
    const last = Math.floor((binary.length * 8) / 6);
    const core = btoa(binary).slice(first, last);
    // A shorter core could stand in any text.
    if (core.length >= 6) forms.push(core, core.replaceAll('+', '-').replaceAll('/', '_'));
  }
  return forms;
}
