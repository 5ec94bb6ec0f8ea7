import react from '@vitejs/plugin-react';
import { type Connect, defineConfig, type Plugin } from 'vite';

const VARIABLES = {
  apiUrl: 'DEMO_API_URL',
  organizationId: 'DEMO_ORG_ID',
  environment: 'DEMO_ENVIRONMENT',
  publishableKey: 'DEMO_PUBLISHABLE_KEY',
};

/** Serves the settings from the environment variables, so that one build works with any config server. */
function runtimeSettings(): Plugin {
  const serve: Connect.NextHandleFunction = (_request, response) => {
    const entries = Object.entries(VARIABLES).map(([name, variable]) => [
      name,
      process.env[variable]?.trim(),
    ]);
    const missing = Object.values(VARIABLES).filter((variable) => !process.env[variable]?.trim());
    response.setHeader('content-type', 'application/json');
    response.setHeader('cache-control', 'no-store');
    response.end(JSON.stringify(missing.length > 0 ? { missing } : Object.fromEntries(entries)));
  };
  return {
    name: 'runtime-settings',
    configureServer: ({ middlewares }) => {
      middlewares.use('/settings.json', serve);
    },
    configurePreviewServer: ({ middlewares }) => {
      middlewares.use('/settings.json', serve);
    },
  };
}

export default defineConfig({ plugins: [react(), runtimeSettings()] });
