import { createReadStream } from 'node:fs';

const NEWLINE = 0x0a;

/**
 * The lines of a file as bytes, without their line feeds. What follows the last line feed is a line too. (`readline` would
 * also split at the line separators of Unicode, which JSON may contain.)
 * @throws {RangeError} for a longer line than `maxBytes`
 */
export async function* readLines(file: string, maxBytes: number): AsyncGenerator<Buffer> {
  let parts: Buffer[] = [];
  let size = 0;
  const add = (part: Buffer): void => {
    parts.push(part);
    size += part.length;
    if (size > maxBytes) throw new RangeError('The line is too long.');
  };
  for await (const chunk of createReadStream(file, { highWaterMark: 1024 * 1024 }) as AsyncIterable<Buffer>) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      add(chunk.subarray(start, end));
      yield Buffer.concat(parts);
      parts = [];
      size = 0;
      start = end + 1;
    }
    add(chunk.subarray(start));
  }
  if (size > 0) yield Buffer.concat(parts);
}
