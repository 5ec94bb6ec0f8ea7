import { createSnapshotSource, SnapshotStore } from '@smooai/config/browser';
import { ConfigProvider, useConfigStatus, useFlag } from '@smooai/config-react';
import { type ReactElement, type ReactNode, useEffect, useLayoutEffect, useMemo, useState } from 'react';
import { ChangeLog } from './change-log.tsx';
import { Frame } from './frame.tsx';
import { LiveBadge } from './live-badge.tsx';
import type { Settings } from './settings.ts';
import { contextOf, type Shopper } from './shopper.ts';
import { ShopperForm } from './shopper-form.tsx';
import { FlagTable, LimitTable, PublicTable } from './value-tables.tsx';
import { Waiting } from './waiting.tsx';

/** Every value that one shopper gets, live from the config server. */
export function BackOffice({ settings }: { settings: Settings }): ReactElement {
  const [store] = useState(() => new SnapshotStore(undefined, 'connecting'));
  const [shopper, setShopper] = useState<Shopper>({ country: 'NL', userId: 'shopper-1' });
  const source = useMemo(
    () => createSnapshotSource({ ...settings, context: contextOf(shopper) }),
    [settings, shopper],
  );
  const switches = useShopperSwitches(store);
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
    <ConfigProvider store={store} source={source} fallback={waiting}>
      <Theme />
      <Frame aside={aside}>
        <header className="hero">
          <h1>A shopper’s values, live</h1>
          <p>
            What the config server returns for one shopper. When someone changes a value, it changes here too,
            without a reload.
          </p>
        </header>
        <ShopperForm shopper={shopper} onChange={setShopper} />
        <ConnectionNotice />
        <div className="columns">
          <Values>
            <FlagTable />
            <LimitTable />
            <PublicTable />
          </Values>
          <ChangeLog switches={switches} />
        </div>
      </Frame>
    </ConfigProvider>
  );
}

/** Applies the shop's theme, which is a flag, to the back office. */
function Theme(): null {
  const theme = useFlag('theme', 'light');
  useLayoutEffect(() => {
    document.documentElement.dataset.theme = theme;
  }, [theme]);
  return null;
}

/** Contains the values. Marked as busy while they are still those of the previous shopper. */
function Values({ children }: { children: ReactNode }): ReactElement {
  const isSwitching = useConfigStatus() === 'connecting';
  return (
    <div className="stack values" aria-busy={isSwitching}>
      {children}
    </div>
  );
}

function ConnectionNotice(): ReactElement | null {
  if (useConfigStatus() !== 'reconnecting') return null;
  return (
    <p className="notice warn">
      The connection to the config server is lost. These are the last values; they update again as soon as it
      is back.
    </p>
  );
}

/** Returns the times of changes that came from choosing another shopper, not from a changed value. */
function useShopperSwitches(store: SnapshotStore): ReadonlySet<number> {
  const [switches, setSwitches] = useState<ReadonlySet<number>>(new Set());
  useEffect(
    () =>
      store.subscribeAll(({ at, initial }) => {
        // The first values of a new connection arrive before its status is live.
        if (!initial && store.status === 'connecting') setSwitches((old) => new Set([...old, at]));
      }),
    [store],
  );
  return switches;
}
