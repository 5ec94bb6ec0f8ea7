import { createSnapshotSource, SnapshotStore } from '@smooai/config/browser';
import { ConfigProvider, useConfigStatus, useFlag } from '@smooai/config-react';
import { type ReactElement, type ReactNode, useEffect, useLayoutEffect, useMemo, useState } from 'react';
import { FlagTable, LimitTable, PublicTable } from './answer-tables.tsx';
import { ChangeLog } from './change-log.tsx';
import { Frame } from './frame.tsx';
import { LiveBadge } from './live-badge.tsx';
import type { Settings } from './settings.ts';
import { contextOf, type Shopper } from './shopper.ts';
import { ShopperForm } from './shopper-form.tsx';
import { Waiting } from './waiting.tsx';

/** Everything that one shopper is served, live from the config server. */
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
          <h1>What a shopper gets, right now</h1>
          <p>
            Answers of the config server for one shopper. When somebody changes a value, it changes here too;
            there is nothing to reload.
          </p>
        </header>
        <ShopperForm shopper={shopper} onChange={setShopper} />
        <ConnectionNotice />
        <div className="columns">
          <Answers>
            <FlagTable />
            <LimitTable />
            <PublicTable />
          </Answers>
          <ChangeLog switches={switches} />
        </div>
      </Frame>
    </ConfigProvider>
  );
}

/** The shop's theme is a flag, and the back office wears it. */
function Theme(): null {
  const theme = useFlag('theme', 'light');
  useLayoutEffect(() => {
    document.documentElement.dataset.theme = theme;
  }, [theme]);
  return null;
}

/** The answers; marked as busy while they are still those of the shopper before. */
function Answers({ children }: { children: ReactNode }): ReactElement {
  const isSwitching = useConfigStatus() === 'connecting';
  return (
    <div className="stack answers" aria-busy={isSwitching}>
      {children}
    </div>
  );
}

function ConnectionNotice(): ReactElement | null {
  if (useConfigStatus() !== 'reconnecting') return null;
  return (
    <p className="notice warn">
      The connection to the config server is lost. These are its last answers; they follow again as soon as it
      is back.
    </p>
  );
}

/** When answers differed because another shopper was chosen, not because somebody changed a value. */
function useShopperSwitches(store: SnapshotStore): ReadonlySet<number> {
  const [switches, setSwitches] = useState<ReadonlySet<number>>(new Set());
  useEffect(
    () =>
      store.subscribeAll(({ at, initial }) => {
        // The first answers of a new connection arrive before it is called live.
        if (!initial && store.status === 'connecting') setSwitches((old) => new Set([...old, at]));
      }),
    [store],
  );
  return switches;
}
