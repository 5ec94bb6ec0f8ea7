/** Prints a table in Markdown. */
export function printTable(title, head, rows) {
  const lines = [['', ...head], ['---', ...head.map(() => '---:')], ...rows];
  process.stdout.write(`\n${title}\n\n${lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')}\n`);
}

export function median(numbers) {
  return [...numbers].sort((left, right) => left - right)[Math.floor((numbers.length - 1) / 2)];
}
