// Vitest's v8 coverage from this folder's node_modules. Vitest itself looks for it in the package that is tested.
import v8 from '@vitest/coverage-v8';

async function getProvider() {
  const provider = await v8.getProvider();
  const resolveOptions = provider.resolveOptions.bind(provider);
  // The workers load the provider by these two options.
  const byPath = { provider: 'custom', customProviderModule: import.meta.filename };
  provider.resolveOptions = () => ({ ...resolveOptions(), ...byPath });
  return provider;
}

// biome-ignore lint/style/noDefaultExport: Vitest reads a provider's default export.
export default { ...v8, getProvider };
