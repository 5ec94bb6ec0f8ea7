/** A Markdown table of rows, the first of which is its head; every column but the first is of numbers. */
export function printTable(title, [head, ...rows]) {
  const line = (cells) => `| ${cells.join(' | ')} |\n`;
  const marks = head.map((_, column) => (column === 0 ? '---' : '---:'));
  process.stdout.write(`\n${title}\n\n${line(head)}${line(marks)}${rows.map(line).join('')}`);
}

export function median(numbers) {
  const sorted = [...numbers].sort((left, right) => left - right);
  return sorted[Math.floor(sorted.length / 2)];
}

/** Three digits or more. */
export function format(number) {
  return Math.abs(number) < 100 ? number.toFixed(1) : Math.round(number).toLocaleString('en');
}
