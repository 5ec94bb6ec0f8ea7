import { outdatedReasons, summarize } from './results.mjs';
import { aim } from './rooms.mjs';

const headings = ['room', 'mutants', 'killed', 'timed out', 'survived', 'not covered', 'score, %', 'named'];

/** Prints the table and the survivors without a reason. Returns whether every room reaches the aim and has no such survivor. */
export function printTable(names) {
  const summaries = names.map((name) => [name, summarize(name)]);
  const lines = summaries.map(([name, summary]) => tableLine(name, summary));
  const rule = `| --- |${' ---: |'.repeat(headings.length - 1)}`;
  process.stdout.write(`\n${[`| ${headings.join(' | ')} |`, rule, ...lines].join('\n')}\n`);
  const unexplained = summaries.flatMap(([, summary]) => summary?.survivors ?? []).filter((s) => !s.reason);
  if (unexplained.length > 0) process.stdout.write('\nSurvivors without a reason in mutation/survivors:\n');
  for (const { path, line, change, isCovered, mutatorName } of unexplained)
    process.stdout.write(`${path}:${line} ${mutatorName}${isCovered ? '' : ', not covered'}\n  ${change}\n`);
  const outdated = names.flatMap(outdatedReasons);
  if (outdated.length > 0) process.stdout.write('\nNamed in mutation/survivors, but no longer a survivor:\n');
  for (const { path, change } of outdated) process.stdout.write(`${path}\n  ${change}\n`);
  return unexplained.length === 0 && summaries.every(([, summary]) => (summary?.score ?? 0) >= aim);
}

function tableLine(name, summary) {
  if (summary === undefined) return `| ${name} | not run |${' |'.repeat(headings.length - 2)}`;
  const { total, killed, timedOut, survived, uncovered, score, survivors } = summary;
  const named = survivors.filter(({ reason }) => reason !== undefined).length;
  const cells = [name, total, killed, timedOut, survived, uncovered, score.toFixed(1), named];
  return `| ${cells.join(' | ')} |`;
}
