const REMINDER_MS = 30_000;
const MAX_LINE = 110;

/** Writes a line at once: vitest shows nothing of a test before its end. */
export function progress(project: string, text: string): void {
  process.stderr.write(`  ${project}: ${shortened(text)}\n`);
}

/** Writes how long a step took when it ends, and meanwhile, every 30 s, that it goes on. */
export function startStep(project: string, text: string): { end: (exitCode: number | null) => void } {
  const started = performance.now();
  const took = (): string => seconds(performance.now() - started).padStart(7);
  const reminder = setInterval(() => progress(project, `${took()} so far: ${text}`), REMINDER_MS);
  return {
    end: (exitCode) => {
      clearInterval(reminder);
      progress(project, `${took()}${exitCode === 0 ? '' : `, exit code ${exitCode}`}  ${text}`);
    },
  };
}

export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

/** Without the temporary folder's path, and not longer than a line. */
function shortened(text: string): string {
  const short = text.replaceAll(/\S*smooai-config-outside-\w+\//g, '');
  return short.length > MAX_LINE ? `${short.slice(0, MAX_LINE - 1)}…` : short;
}
