/** Prints a Markdown table. The first row is the head, and all columns but the first are numbers. */
export function printTable(title, [head, ...rows]) {
  const line = (cells) => `| ${cells.join(' | ')} |\n`;
  const marks = head.map((_, column) => (column === 0 ? '---' : '---:'));
  process.stdout.write(`\n${title}\n\n${line(head)}${line(marks)}${rows.map(line).join('')}`);
}

export function median(numbers) {
  const sorted = [...numbers].sort((left, right) => left - right);
  return sorted[Math.floor(sorted.length / 2)];
}

/** A number with three significant digits or more. */
export function format(number) {
  return Math.abs(number) < 100 ? number.toFixed(1) : Math.round(number).toLocaleString('en');
}
