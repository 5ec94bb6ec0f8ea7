import { createSnapshotSource } from '@smooai/config/browser';
import { ConfigProvider, useConfigContext, useConfigStatus, useFlag } from '@smooai/config-react';
import { defaults } from '@smooai-demo/demo-schema/defaults';
import { type ReactElement, useLayoutEffect, useMemo, useState, useTransition } from 'react';
import { ChangeLog } from './change-log.tsx';
import { Frame } from './frame.tsx';
import { LiveBadge } from './live-badge.tsx';
import type { Settings } from './settings.ts';
import { contextOf, type Shopper } from './shopper.ts';
import { ShopperForm } from './shopper-form.tsx';
import { FlagTable, LimitTable, PublicTable } from './value-tables.tsx';
import { Waiting } from './waiting.tsx';

const firstShopper: Shopper = { country: 'NL', userId: 'shopper-1' };

/** Every value that one shopper gets, live from the config server. */
export function BackOffice({ settings }: { settings: Settings }): ReactElement {
  const source = useMemo(() => createSnapshotSource(settings), [settings]);
  const aside = (
    <>
      <span className="badge">{settings.environment}</span>
      <LiveBadge />
    </>
  );
  const waiting = (
    <Frame aside={aside}>
      <Waiting apiUrl={settings.apiUrl} />
    </Frame>
  );
  return (
    <ConfigProvider
      source={source}
      context={contextOf(firstShopper)}
      defaults={defaults}
      fallback={waiting}
      // Until then, the page says why it has no values.
      readyTimeoutMs={60_000}
    >
      <Theme />
      <Frame aside={aside}>
        <header className="hero">
          <h1>A shopper’s values, live</h1>
          <p>
            What the config server returns for one shopper. When someone changes a value, it changes here too,
            without a reload.
          </p>
        </header>
        <ShopperValues />
      </Frame>
    </ConfigProvider>
  );
}

/** The values of the chosen shopper. Those of the previous one stay, marked as busy, until the new ones arrive. */
function ShopperValues(): ReactElement {
  const [, setContext] = useConfigContext();
  const [shopper, setShopper] = useState(firstShopper);
  const [isSwitching, startSwitching] = useTransition();
  const choose = (next: Shopper): void => {
    setShopper(next);
    startSwitching(() => setContext(contextOf(next)));
  };
  return (
    <>
      <ShopperForm shopper={shopper} onChange={choose} />
      <ConnectionNotice />
      <div className="columns">
        <div className="stack values" aria-busy={isSwitching}>
          <FlagTable />
          <LimitTable />
          <PublicTable />
        </div>
        <ChangeLog />
      </div>
    </>
  );
}

/** Applies the shop's theme, which is a flag, to the back office. */
function Theme(): null {
  const theme = useFlag('theme');
  useLayoutEffect(() => {
    document.documentElement.dataset.theme = theme;
  }, [theme]);
  return null;
}

function ConnectionNotice(): ReactElement | null {
  const { status } = useConfigStatus();
  if (status === 'ready') return null;
  return (
    <p className="notice warn">
      The connection to the config server is lost. These are the last values; they update again as soon as it
      is back.
    </p>
  );
}
