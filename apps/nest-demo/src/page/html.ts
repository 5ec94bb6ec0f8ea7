/** Text that is already HTML. */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

type Part = string | Html | readonly Html[];

/** Creates HTML from a template. Escapes its values, except those that are {@link Html}. */
export function html(texts: TemplateStringsArray, ...parts: Part[]): Html {
  const rendered = parts.map((part, index) => `${render(part)}${texts[index + 1] ?? ''}`);
  return new Html(`${texts[0] ?? ''}${rendered.join('')}`);
}

/** Creates data for a `<script type="application/json">`, escaped so that it cannot end the element. */
export function jsonData(value: unknown): Html {
  return new Html(JSON.stringify(value).replace(/</g, '\\u003c'));
}

function render(part: Part): string {
  if (part instanceof Html) return part.text;
  if (typeof part !== 'string') return part.map((entry) => entry.text).join('');
  return part.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
