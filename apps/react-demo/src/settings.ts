/** The settings of the connection to the config server. */
export interface Settings {
  apiUrl: string;
  organizationId: string;
  environment: string;
  publishableKey: string;
}

/** The result of {@link loadSettings}. */
export type LoadedSettings =
  | { state: 'ready'; settings: Settings }
  | { state: 'missing'; variables: readonly string[] }
  | { state: 'failed' };

/** Loads the settings from the server of this page. Never throws. */
export async function loadSettings(): Promise<LoadedSettings> {
  try {
    const response = await fetch('/settings.json');
    const body: unknown = await response.json();
    if (!response.ok || typeof body !== 'object' || body === null) return { state: 'failed' };
    if ('missing' in body && Array.isArray(body.missing)) {
      return { state: 'missing', variables: body.missing.map(String) };
    }
    return isSettings(body) ? { state: 'ready', settings: body } : { state: 'failed' };
  } catch {
    return { state: 'failed' };
  }
}

function isSettings(body: object): body is Settings {
  const names = ['apiUrl', 'organizationId', 'environment', 'publishableKey'];
  return names.every((name) => typeof (body as Record<string, unknown>)[name] === 'string');
}
