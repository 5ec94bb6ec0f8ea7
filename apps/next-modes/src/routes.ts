const KINDS: Record<string, string> = { '○': 'static', '●': 'static', '◐': 'partial', ƒ: 'dynamic' };

/** The table of routes that `next build` prints: the kind of each route. */
export function routesIn(output: string): Record<string, string | undefined> {
  const routes: Record<string, string | undefined> = {};
  for (const [, symbol = '', path = ''] of output.matchAll(/^[├┌└─\s]+([○◐ƒ●])\s+(\/[^\s]*)/gm)) {
    if (!/icon|_not-found/.test(path)) routes[path] = KINDS[symbol];
  }
  return routes;
}
