/** Text that is HTML already. */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

type Part = string | Html | readonly Html[];

/** A template whose values are escaped, unless they are {@link Html} themselves. */
export function html(texts: TemplateStringsArray, ...parts: Part[]): Html {
  const rendered = parts.map((part, index) => `${render(part)}${texts[index + 1] ?? ''}`);
  return new Html(`${texts[0] ?? ''}${rendered.join('')}`);
}

/** Data for a `<script type="application/json">`; nothing in it can end the element. */
export function jsonData(value: unknown): Html {
  return new Html(JSON.stringify(value).replace(/</g, '\\u003c'));
}

function render(part: Part): string {
  if (part instanceof Html) return part.text;
  if (typeof part !== 'string') return part.map((entry) => entry.text).join('');
  return part.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
