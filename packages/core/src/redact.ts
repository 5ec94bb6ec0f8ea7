const LONGEST = 500;
const LONGEST_READ = 100_000;

/**
 * A text of someone else's (a server, a network library) made fit for an error: every form of `secrets` (plain,
 * URL-encoded, base64) is replaced, control characters become spaces, and the rest is cut at 500 characters.
 */
export function redact(text: string, secrets: readonly string[]): string {
  const forms = secrets.flatMap(formsOf).sort((a, b) => b.length - a.length);
  // Not case-sensitive: the digits of a percent escape may be written either way.
  const pattern = forms.length === 0 ? undefined : new RegExp(forms.map(escapePattern).join('|'), 'gi');
  const start = text.slice(0, LONGEST_READ);
  const clean = (pattern === undefined ? start : start.replace(pattern, '[redacted]'))
    .replace(/\p{Cc}+/gu, ' ')
    .trim();
  return clean.length > LONGEST ? `${clean.slice(0, LONGEST)}…` : clean;
}

function formsOf(secret: string): string[] {
  if (secret === '') return [];
  const asForm = new URLSearchParams({ s: secret }).toString().slice(2);
  return [secret, JSON.stringify(secret).slice(1, -1), urlEncode(secret), asForm, ...base64Forms(secret)];
}

function escapePattern(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
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
