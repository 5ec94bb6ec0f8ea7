// Reads the results that Stryker keeps for a room, and matches its survivors with the ones that have a reason.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { rooms } from './rooms.mjs';
import { explained } from './survivors/index.mjs';

/** The file with a room's results. Stryker reuses them for code and tests that did not change. */
export function resultsFile(name) {
  return fileURLToPath(new URL(`.results/${name}.json`, import.meta.url));
}

function readResults(name) {
  return existsSync(resultsFile(name)) ? JSON.parse(readFileSync(resultsFile(name), 'utf8')) : undefined;
}

const isLeft = ({ status }) => status === 'Survived' || status === 'NoCoverage';

/**
 * Makes Stryker run the survivors in files whose path contains a text again, because it does not notice that a test with the same
 * name has changed.
 */
export function forgetSurvivors(name, text) {
  const results = readResults(name);
  if (results === undefined) return;
  for (const [path, file] of Object.entries(results.files))
    if (path.includes(text)) file.mutants = file.mutants.filter((mutant) => !isLeft(mutant));
  writeFileSync(resultsFile(name), JSON.stringify(results));
}

/** Whether mutants were left out because they only take effect while a module loads. */
export function hasStaticMutants(name) {
  const isStatic = ({ status, static: isStatic }) => status === 'Ignored' && isStatic === true;
  return Object.values(readResults(name)?.files ?? {}).some(({ mutants }) => mutants.some(isStatic));
}

/** The counts of a room and its survivors, or undefined if it has no results yet. */
export function summarize(name) {
  const results = readResults(name);
  if (results === undefined) return undefined;
  const room = rooms[name];
  // Stryker keeps the results of files that have left the room.
  const isInRoom = (path) => room.mutate.some((entry) => path === entry || path.startsWith(`${entry}/`));
  const mutants = Object.entries(results.files)
    .filter(([path]) => isInRoom(path))
    .flatMap(([path, { source, mutants }]) =>
      mutants.map((mutant) => ({ ...mutant, path: `packages/${room.package}/${path}`, source })),
    );
  const count = (status) => mutants.filter((mutant) => mutant.status === status).length;
  const [killed, timedOut, survived, uncovered] = ['Killed', 'Timeout', 'Survived', 'NoCoverage'].map(count);
  const total = killed + timedOut + survived + uncovered;
  const survivors = mutants.filter(isLeft).map(describeMutant);
  const score = total === 0 ? 100 : (100 * (killed + timedOut)) / total;
  const files = [...new Set(mutants.map(({ path }) => path))];
  return { total, killed, timedOut, survived, uncovered, score, survivors, files };
}

/** Named mutants of the files in a room's results that did not survive, or whose code has changed. */
export function outdatedReasons(name) {
  const summary = summarize(name);
  if (summary === undefined) return [];
  return explained
    .filter(({ file }) => summary.files.includes(file))
    .flatMap(({ file, mutants }) => mutants.map((change) => ({ path: file, change })))
    .filter(({ path, change }) => !summary.survivors.some((s) => s.path === path && s.change === change));
}

function describeMutant({ path, source, location, replacement, status, mutatorName }) {
  const change = `${clip(textAt(source, location))} → ${clip(replacement)}`;
  const reason = explained.find((entry) => entry.file === path && entry.mutants.includes(change))?.reason;
  return { path, line: location.start.line, change, reason, mutatorName, isCovered: status === 'Survived' };
}

function textAt(source, { start, end }) {
  const lines = source.split('\n').slice(start.line - 1, end.line);
  lines[lines.length - 1] = lines.at(-1).slice(0, end.column - 1);
  lines[0] = lines[0].slice(start.column - 1);
  return lines.join('\n');
}

/** One line of at most 80 characters, so that a list of survivors stays readable. */
function clip(text) {
  const line = text.replace(/\s+/g, ' ');
  return line.length > 80 ? `${line.slice(0, 79)}…` : line;
}
