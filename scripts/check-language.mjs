// Looks for phrases that do not read as plain English, in what people read: comments, strings and Markdown prose.
// Searches the repository, or the files given as arguments. Identifiers and inline code (`…` in Markdown) are not searched, so a document can name a phrase by quoting it as code.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { root } from './workspace.mjs';

/** "answers" is fine as a noun: "the answers for a context", "it keeps answers". These tell the verb from the noun. */
const nounBefore =
  /\b(?:the|its|their|your|these|those|all|other|no|any|many|new|own|last|of|for|with|in|whose|gets?|keeps?|\d+)\s+$/i;
const subjectBefore =
  /(?:\b(?:it|that|which|who|what|never|always|app|client|server|storage|process|endpoint|issuer|fetch|store)|[`}])\s+$/i;
const objectAfter =
  /^\s+(?:(?:the|an?|its?|how|whether|what|which|why|that|those|with|at|so|as|null|undefined|no|each|\d+)\b|[`"%{[])|^[^\S\n]+[A-Z]/;
const isVerb = (word, before, after) =>
  /ed$/i.test(word) || (!nounBefore.test(before) && (subjectBefore.test(before) || objectAfter.test(after)));

const rules = [
  { find: /\banswer(?:s|ed)\b(?!\s*(?:of|for|from|to|are|is|were)\b)/gi, say: '"returns"', isMeant: isVerb },
  {
    find: /\b(?:is|are)\s+no\s+(?!longer\b|more\b)\w+/gi,
    say: '"is not a …", "does not exist" or "has no …"',
  },
  { find: /\bbe\s+it\b/gi, say: '"whether … or …"' },
  { find: /\bwhoever\b/gi, say: '"anyone who", "the caller"' },
  { find: /\bthereof\b/gi, say: '"of it"' },
  { find: /\bhence\b/gi, say: '"so"' },
];

const tokens = {
  // Lines of `//` that follow one another are one comment.
  comment: /(?:\/\/[^\n]*\n[^\S\n]*)*\/\/[^\n]*|\/\*[\s\S]*?\*\//y,
  string: /'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"/y,
  template: /(?:\\[\s\S]|\$(?!\{)|[^\\`$])*(?:`|\$\{)/y,
  regex: /\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\/\w*/y,
};

/** The comments, strings and parts of template literals in TypeScript or JavaScript, each with its position. */
function* texts(source) {
  const braces = [];
  const match = (name, at) => {
    tokens[name].lastIndex = at;
    return tokens[name].exec(source)?.[0];
  };
  for (let at = 0; at < source.length; at += 1) {
    const char = source[at];
    let text;
    if (char === '`' || (char === '}' && braces.at(-1) === 0)) {
      if (char === '}') braces.pop();
      text = match('template', at + 1);
      if (text?.endsWith('${')) braces.push(0);
      if (text !== undefined) text = char + text;
    } else if (char === "'" || char === '"') text = match('string', at);
    else if (char === '/') {
      text = match('comment', at);
      const mayBeRegex = /(?:[(,=:[!&|?{};]|=>|\breturn)\s*$/.test(source.slice(Math.max(0, at - 20), at));
      if (text === undefined && mayBeRegex) at += (match('regex', at)?.length ?? 1) - 1;
    } else if (char === '{' && braces.length > 0) braces[braces.length - 1] += 1;
    else if (char === '}' && braces.length > 0) braces[braces.length - 1] -= 1;
    if (text === undefined) continue;
    yield { at, text };
    at += text.length - 1;
  }
}

/** Blanks the code of a document; blocks of TypeScript are searched as source files are. */
function* proseOf(document) {
  const blank = (text) => text.replace(/[^\n]/g, ' ');
  for (const block of document.matchAll(/^[^\S\n]*```(?:tsx?|js)\n([\s\S]*?)^[^\S\n]*```/gm)) {
    const start = block.index + block[0].indexOf('\n') + 1;
    for (const { at, text } of texts(block[1])) yield { at: start + at, text };
  }
  const prose = document.replace(/^[^\S\n]*```[\s\S]*?^[^\S\n]*```/gm, blank);
  yield { at: 0, text: prose.replace(/`[^`\n]*`/g, (code) => `\`${blank(code.slice(2))}\``) };
}

/** The files to search: those given as arguments, else all of the repository. */
function searchedFiles() {
  const given = process.argv.slice(2);
  if (given.length > 0) return given;
  const options = { cwd: root, encoding: 'utf8' };
  return execFileSync('git', ['ls-files', '*.ts', '*.tsx', '*.mjs', '*.md'], options).trim().split('\n');
}

let count = 0;
for (const file of searchedFiles()) {
  const source = readFileSync(resolve(root, file), 'utf8');
  for (const { at, text } of file.endsWith('.md') ? proseOf(source) : texts(source)) {
    // The asterisks and slashes at the start of a comment's lines are not words.
    const words = text.replace(/\n[^\S\n]*(?:\*|\/\/)?/g, (start) => start.replace(/[*/]/g, ' '));
    for (const { find, isMeant, say } of rules) {
      for (const { 0: phrase, index } of words.matchAll(find)) {
        const before = words.slice(0, index);
        if (isMeant && !isMeant(phrase, before, words.slice(index + phrase.length))) continue;
        const line = source.slice(0, at + index).split('\n').length;
        process.stdout.write(`${file}:${line}: "${phrase.replace(/\s+/g, ' ')}": say ${say}\n`);
        count += 1;
      }
    }
  }
}
process.stdout.write(`${count} phrases to change.\n`);
process.exitCode = count === 0 ? 0 : 1;
