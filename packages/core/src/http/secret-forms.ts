import { toBinaryString } from './base64.ts';

/** How a secret is written in another text. */
export type SecretForm = 'plain' | 'escaped' | 'URL-encoded' | 'Base64';

/** Every form that a secret may have in another text. The empty secret has none. */
export function secretForms(secret: string): Map<string, SecretForm> {
  if (secret === '') return new Map();
  const formEncoded = new URLSearchParams({ s: secret }).toString().slice(2);
  // Two forms are often the same text: the first one stays, and it is the one closest to the secret.
  const forms = new Map<string, SecretForm>([[secret, 'plain']]);
  const add = (text: string, form: SecretForm): void => {
    if (!forms.has(text)) forms.set(text, form);
  };
  add(JSON.stringify(secret).slice(1, -1), 'escaped');
  add(percentEncode(secret), 'URL-encoded');
  add(formEncoded, 'URL-encoded');
  for (const text of base64Forms(secret)) add(text, 'Base64');
  return forms;
}

function percentEncode(secret: string): string {
  // encodeURIComponent throws for a lone surrogate; the round trip through UTF-8 replaces it.
  return encodeURIComponent(new TextDecoder().decode(new TextEncoder().encode(secret)));
}

/** Base64 of the secret inside a longer encoded text, for each of the three possible byte alignments. */
function base64Forms(secret: string): string[] {
  const bytes = toBinaryString(secret);
  const forms: string[] = [];
  for (let offset = 0; offset < 3; offset++) {
    const binary = '\0'.repeat(offset) + bytes;
    const first = Math.ceil((offset * 8) / 6);
    const last = Math.floor((binary.length * 8) / 6);
    const core = btoa(binary).slice(first, last);
    // A shorter core could occur in any text by chance.
    if (core.length >= 6) forms.push(core, core.replaceAll('+', '-').replaceAll('/', '_'));
  }
  return forms;
}
