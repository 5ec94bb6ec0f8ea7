// A Stryker plugin: texts for people are not mutated. Tests check an error's code and the facts in its message, not each word.
import { declareValuePlugin, PluginKind } from '@stryker-mutator/api/plugin';

/** Two adjacent words. Names, headers and keywords do not match. */
const PROSE = /\p{L}[,.:;]? \p{L}/u;

/** The fixed text of a string or template literal; the expressions of a template do not count as words. */
function fixedText(node) {
  if (node.type === 'StringLiteral') return node.value;
  if (node.type === 'TemplateLiteral') return node.quasis.map((quasi) => quasi.value.raw).join('#');
  return '';
}

const messages = {
  shouldIgnore: ({ node }) => (PROSE.test(fixedText(node)) ? 'a text for people' : undefined),
};

export const strykerPlugins = [declareValuePlugin(PluginKind.Ignore, 'messages', messages)];
