import { type ReactElement, useEffect, useState } from 'react';
import { BackOffice } from './back-office.tsx';
import { Frame } from './frame.tsx';
import { type LoadedSettings, loadSettings } from './settings.ts';

/** The back office. It first loads the settings, which say which config server to use. */
export function App(): ReactElement {
  const [loaded, setLoaded] = useState<LoadedSettings>();
  useEffect(() => {
    let isCurrent = true;
    void loadSettings().then((result) => {
      if (isCurrent) setLoaded(result);
    });
    return () => {
      isCurrent = false;
    };
  }, []);
  if (loaded === undefined) return <Frame />;
  if (loaded.state === 'ready') return <BackOffice settings={loaded.settings} />;
  return (
    <Frame>
      <section className="panel problem stack">
        {loaded.state === 'missing' ? (
          <MissingSettings variables={loaded.variables} />
        ) : (
          <UnreadableSettings />
        )}
      </section>
    </Frame>
  );
}

function MissingSettings({ variables }: { variables: readonly string[] }): ReactElement {
  return (
    <>
      <h1>The back office is not connected</h1>
      <p>
        It was started without the settings of a config server. Run <code>npm start</code> in the repository,
        which sets up everything, or set these variables and start it again:
      </p>
      <ul className="lines">
        {variables.map((variable) => (
          <li key={variable}>
            <code>{variable}</code>
          </li>
        ))}
      </ul>
    </>
  );
}

function UnreadableSettings(): ReactElement {
  return (
    <>
      <h1>The settings cannot be read</h1>
      <p>
        <code>/settings.json</code> did not return valid settings. <code>vite</code> and{' '}
        <code>vite preview</code> serve it; start the back office with one of them.
      </p>
      <div>
        <button type="button" className="button button-primary" onClick={() => window.location.reload()}>
          Try again
        </button>
      </div>
    </>
  );
}
