import { type ReactElement, useEffect, useState } from 'react';
import { BackOffice } from './back-office.tsx';
import { Frame } from './frame.tsx';
import { loadSettings, type SettingsAnswer } from './settings.ts';

/** The back office, once it knows which config server to ask. */
export function App(): ReactElement {
  const [answer, setAnswer] = useState<SettingsAnswer>();
  useEffect(() => {
    let isCurrent = true;
    void loadSettings().then((loaded) => {
      if (isCurrent) setAnswer(loaded);
    });
    return () => {
      isCurrent = false;
    };
  }, []);
  if (answer === undefined) return <Frame />;
  if (answer.state === 'ready') return <BackOffice settings={answer.settings} />;
  return (
    <Frame>
      <section className="panel problem stack">
        {answer.state === 'missing' ? <MissingSettings variables={answer.variables} /> : <NoSettings />}
      </section>
    </Frame>
  );
}

function MissingSettings({ variables }: { variables: readonly string[] }): ReactElement {
  return (
    <>
      <h1>The back office is not connected</h1>
      <p>
        It was started without knowing which config server to ask. Run <code>npm start</code> in the
        repository, which sets everything up, or set these variables and start it again:
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

function NoSettings(): ReactElement {
  return (
    <>
      <h1>The settings cannot be read</h1>
      <p>
        <code>/settings.json</code> gave no usable answer. It is served by <code>vite</code> and{' '}
        <code>vite preview</code>; start the back office with one of them.
      </p>
      <div>
        <button type="button" className="button button-primary" onClick={() => window.location.reload()}>
          Try again
        </button>
      </div>
    </>
  );
}
