const file = 'packages/core/src/http/redact.ts';

export const redact = [
  {
    file,
    reason: 'Equivalent: at the end of a form nothing is left as a further character that could be equal.',
    mutants: ['end - at < form.length → end - at <= form.length'],
  },
  { file, reason: 'Equivalent, only slower.', mutants: ['/[A-Z]+/g → /[A-Z]/g'] },
  {
    file,
    reason: 'Adds "Stryker was here" to the secrets, which no text contains.',
    mutants: ['[] → ["Stryker was here"]'],
  },
  {
    file,
    reason:
      'Limits memory and time. A text is cut at the same length, so more of the secret cannot occur in it.',
    mutants: ['secret.slice(0, MAX_SEARCHED_LENGTH) → secret'],
  },
  {
    file,
    reason: 'Equivalent: after three bytes Base64 is aligned as after none.',
    mutants: ['offset < 3 → offset <= 3'],
  },
];
