import { readFileSync } from 'node:fs';

/** One step of a scenario, without its keyword. */
export interface Step {
  text: string;
  /** The rows of its table, if it has one. */
  table: string[][];
}

/** A scenario with the steps of its background; one per row of its examples. */
export interface Scenario {
  name: string;
  tags: ReadonlySet<string>;
  steps: Step[];
}

interface Outline {
  name: string;
  tags: string[];
  steps: Step[];
  examples: { tags: string[]; rows: string[][] }[];
}

const STEP = /^(?:Given|When|Then|And|But) (.*)$/;
const SCENARIO = /^Scenario(?: Outline)?: ?(.*)$/;

/** Reads the scenarios of a file in `testdata`. It knows the part of Gherkin that OpenFeature's features use. */
export function readScenarios(file: string): Scenario[] {
  const lines = readFileSync(new URL(`../testdata/${file}`, import.meta.url), 'utf8').split('\n');
  const { background, outlines } = parse(lines.map((line) => line.trim()));
  return outlines.flatMap((outline) => expand(outline, background));
}

function parse(lines: readonly string[]): { background: Step[]; outlines: Outline[] } {
  const background: Step[] = [];
  const outlines: Outline[] = [];
  let tags: string[] = [];
  let featureTags: string[] = [];
  let steps = background;
  let rows: string[][] | undefined;
  for (const line of lines) {
    const scenario = SCENARIO.exec(line);
    const step = STEP.exec(line);
    if (line === '' || line.startsWith('#')) continue;
    if (line.startsWith('@')) tags.push(...line.split(/\s+/));
    else if (line.startsWith('|')) rows?.push(cellsOf(line));
    else if (line.startsWith('Feature:')) [featureTags, tags] = [tags, []];
    else if (scenario) {
      steps = [];
      outlines.push({ name: scenario[1] ?? '', tags: [...featureTags, ...tags], steps, examples: [] });
      tags = [];
    } else if (line.startsWith('Examples:')) {
      rows = [];
      outlines.at(-1)?.examples.push({ tags, rows });
      tags = [];
    } else if (step) {
      rows = [];
      steps.push({ text: step[1] ?? '', table: rows });
    } else if (!line.startsWith('Background:')) throw new Error(`This line is not understood: ${line}`);
  }
  return { background, outlines };
}

function cellsOf(line: string): string[] {
  return line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim());
}

function expand({ name, tags, steps, examples }: Outline, background: readonly Step[]): Scenario[] {
  if (examples.length === 0) return [{ name, tags: new Set(tags), steps: [...background, ...steps] }];
  return examples.flatMap(({ tags: own, rows: [header = [], ...rows] }) =>
    rows.map((row) => {
      const fill = (text: string): string =>
        header.reduce((filled, column, index) => filled.replaceAll(`<${column}>`, row[index] ?? ''), text);
      const filled = steps.map(({ text, table }) => ({
        text: fill(text),
        table: table.map((cells) => cells.map(fill)),
      }));
      return {
        name: `${name} (${row.join(', ')})`,
        tags: new Set([...tags, ...own]),
        steps: [...background, ...filled],
      };
    }),
  );
}
