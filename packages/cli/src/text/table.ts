import type { Colors } from './colors.ts';

type Row = readonly string[];

/** Formats rows as columns, two spaces apart, below a dimmed head. The last column is not padded. */
export function table(head: Row, body: readonly Row[], colors: Colors): string {
  const widths = head.map((title, index) =>
    Math.max(title.length, ...body.map((row) => row[index]?.length ?? 0)),
  );
  const line = (row: Row): string =>
    row
      .map((cell, index) => cell.padEnd(widths[index] ?? 0))
      .join('  ')
      .trimEnd();
  return [colors.dim(line(head)), ...body.map(line)].join('\n');
}
