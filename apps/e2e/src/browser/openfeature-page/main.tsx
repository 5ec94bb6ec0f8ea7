// A page with OpenFeature's React SDK, over our provider or the official one for OFREP; see openfeature.test.ts.
import { OFREPWebProvider } from '@openfeature/ofrep-web-provider';
import {
  OpenFeature,
  OpenFeatureProvider,
  type Provider,
  useBooleanFlagValue,
  useOpenFeatureClientStatus,
  useStringFlagValue,
} from '@openfeature/react-sdk';
import { createSnapshotSource } from '@smooai/config/browser';
import { SmooConfigWebProvider } from '@smooai/config-openfeature/web';
import { useState } from 'react';
import { createRoot } from 'react-dom/client';

const query = new URLSearchParams(location.search);
const setting = (name: string): string => query.get(name) ?? '';
const settings = {
  apiUrl: setting('apiUrl'),
  organizationId: setting('organizationId'),
  environment: 'development',
  publishableKey: setting('publishableKey'),
};

const providers: Record<string, () => Provider> = {
  ours: () => new SmooConfigWebProvider({ source: createSnapshotSource(settings) }),
  ofrep: () =>
    new OFREPWebProvider({
      baseUrl: settings.apiUrl,
      cacheMode: 'disabled',
      headers: [
        ['X-API-Key', settings.publishableKey],
        ['X-Config-Environment', settings.environment],
      ],
      // Its declarations do not know `exactOptionalPropertyTypes`.
    }) as Provider,
};

/** Each theme that was rendered, with the user of the context at that time. */
const rendered: string[] = [];

function Values() {
  const theme = useStringFlagValue('theme', 'none');
  const newCheckout = useBooleanFlagValue('newCheckout', false);
  const status = useOpenFeatureClientStatus();
  rendered.push(`${OpenFeature.getContext().targetingKey ?? ''} ${theme}`);
  return (
    <>
      <p data-testid="theme" data-value={theme} />
      <p data-testid="newCheckout" data-value={String(newCheckout)} />
      <p data-testid="status" data-value={status} />
    </>
  );
}

function App() {
  const [user, setUser] = useState('insider');
  const logOut = () => {
    void OpenFeature.setContext({ targetingKey: 'guest' });
    setUser('guest');
  };
  return (
    <OpenFeatureProvider>
      <button type="button" onClick={logOut}>
        Log out
      </button>
      {/* The hooks of the SDK keep the last value while the context changes. A new user gets new components. */}
      <Values key={user} />
    </OpenFeatureProvider>
  );
}

void OpenFeature.setContext({ targetingKey: 'insider' });
OpenFeature.setProvider(providers[setting('provider')]?.() as Provider);
Object.assign(window, { rendered });
const root = document.getElementById('root');
if (root !== null) createRoot(root).render(<App />);
