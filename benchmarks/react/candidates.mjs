// The same page with each library: `count` components that each read one flag of their own.

import { GrowthBook, GrowthBookProvider, useFeatureIsOn } from '@growthbook/growthbook-react';
import {
  InMemoryProvider,
  OpenFeature,
  OpenFeatureProvider,
  useBooleanFlagValue,
} from '@openfeature/react-sdk';
import { FlagProvider, UnleashClient, useFlag as useUnleashFlag } from '@unleash/proxy-client-react';
import { LDProvider, useFlags } from 'launchdarkly-react-client-sdk';
import { createContext, createElement as h, useCallback, useContext, useSyncExternalStore } from 'react';

/**
 * @typedef {object} Candidate
 * @property {string} name
 * @property {(keys: string[]) => Promise<{ Provider: Function; useFlag: Function; flip?: Function; close?: Function }>} create
 *   The provider, the hook that reads a key as a boolean, and a function that changes one key, unless nothing can.
 */

const allOff = (keys) => Object.fromEntries(keys.map((key) => [key, false]));

/** What React and the DOM take alone: part of every other number. */
export const constants = {
  name: 'constants, no store',
  async create() {
    return { Provider: ({ children }) => children, useFlag: () => false };
  },
};

/** The floor: a store with listeners by key and nothing else. */
export const byHand = {
  name: 'by hand, a store with listeners by key',
  async create(keys) {
    const values = new Map(Object.entries(allOff(keys)));
    const listeners = new Map(keys.map((key) => [key, new Set()]));
    return {
      Provider: ({ children }) => children,
      useFlag: (key) =>
        useSyncExternalStore(
          useCallback(
            (listener) => {
              listeners.get(key).add(listener);
              return () => listeners.get(key).delete(listener);
            },
            [key],
          ),
          () => values.get(key),
        ),
      flip(key, value) {
        values.set(key, value);
        for (const listener of listeners.get(key)) listener();
      },
    };
  },
};

/** The same store, not in a module but in a context, so that each request of a server can have its own. */
export const byHandInContext = {
  name: 'the same, its store in a context',
  async create(keys) {
    const store = { values: new Map(Object.entries(allOff(keys))), listeners: new Map() };
    for (const key of keys) store.listeners.set(key, new Set());
    const Store = createContext(undefined);
    return {
      Provider: ({ children }) => h(Store.Provider, { value: store }, children),
      useFlag: (key) => {
        const { values, listeners } = useContext(Store);
        return useSyncExternalStore(
          useCallback(
            (listener) => {
              listeners.get(key).add(listener);
              return () => listeners.get(key).delete(listener);
            },
            [listeners, key],
          ),
          () => values.get(key),
        );
      },
      flip(key, value) {
        store.values.set(key, value);
        for (const listener of store.listeners.get(key)) listener();
      },
    };
  },
};

/** Ours, with what its packages export. */
export const ours = ({ ConfigProvider, SnapshotStore, useFlag }) => ({
  name: '@smooai/config-react',
  async create(keys) {
    const flags = Object.fromEntries(keys.map((key) => [key, { value: false, source: 'raw' }]));
    const store = new SnapshotStore({ revision: '1', public: {}, flags, limits: {} }, 'live');
    let revision = 1;
    return {
      Provider: ({ children }) => h(ConfigProvider, { store }, children),
      useFlag: (key) => useFlag(key, false),
      flip: (key, value) => {
        revision += 1;
        store.patch({ revision: String(revision), flags: { [key]: { value, source: 'raw' } } });
      },
    };
  },
});

export const openFeature = {
  name: 'OpenFeature, in-memory provider',
  async create(keys) {
    const flag = (value) => ({
      variants: { on: true, off: false },
      defaultVariant: value ? 'on' : 'off',
      disabled: false,
    });
    const flags = Object.fromEntries(keys.map((key) => [key, flag(false)]));
    const provider = new InMemoryProvider(flags);
    await OpenFeature.setProviderAndWait(provider);
    return {
      Provider: ({ children }) => h(OpenFeatureProvider, {}, children),
      useFlag: (key) => useBooleanFlagValue(key, false),
      flip: (key, value) => {
        flags[key] = flag(value);
        void provider.putConfiguration({ ...flags });
      },
      close: () => OpenFeature.close(),
    };
  },
};

export const unleash = {
  name: 'Unleash',
  async create(keys) {
    const toggles = new Map(
      keys.map((name) => [
        name,
        { name, enabled: false, variant: { name: 'disabled', enabled: false }, impressionData: false },
      ]),
    );
    const client = new UnleashClient({
      url: 'http://127.0.0.1:9/',
      clientKey: 'key',
      appName: 'benchmark',
      refreshInterval: 0,
      disableMetrics: true,
      bootstrap: [...toggles.values()],
      storageProvider: { get: async () => undefined, save: async () => undefined },
      fetch: async () =>
        new Response(JSON.stringify({ toggles: [...toggles.values()] }), {
          headers: { 'content-type': 'application/json' },
        }),
    });
    await client.start();
    return {
      Provider: ({ children }) => h(FlagProvider, { unleashClient: client, startClient: false }, children),
      useFlag: (key) => useUnleashFlag(key),
      flip: (key, enabled) => {
        toggles.set(key, { ...toggles.get(key), enabled });
        void client.updateToggles();
      },
      close: () => client.stop(),
    };
  },
};

export const launchDarkly = {
  name: 'LaunchDarkly, its React package over a stub of the client',
  async create(keys) {
    const values = allOff(keys);
    const listeners = new Set();
    const client = {
      on: (event, listener) => event === 'change' && listeners.add(listener),
      off: (_, listener) => listeners.delete(listener),
      allFlags: () => ({ ...values }),
      variation: (key) => values[key],
      waitForInitialization: async () => undefined,
      waitUntilReady: async () => undefined,
    };
    const reactOptions = { useCamelCaseFlagKeys: false, sendEventsOnFlagRead: false };
    return {
      Provider: ({ children }) =>
        h(LDProvider, { clientSideID: 'id', ldClient: client, reactOptions }, children),
      useFlag: (key) => useFlags()[key],
      flip: (key, value) => {
        const previous = values[key];
        values[key] = value;
        for (const listener of listeners) listener({ [key]: { current: value, previous } });
      },
    };
  },
};

export const growthBook = {
  name: 'GrowthBook',
  async create(keys) {
    const features = Object.fromEntries(keys.map((key) => [key, { defaultValue: false }]));
    const growthbook = new GrowthBook({}).initSync({ payload: { features } });
    return {
      Provider: ({ children }) => h(GrowthBookProvider, { growthbook }, children),
      useFlag: (key) => useFeatureIsOn(key),
      flip: (key, value) => {
        features[key] = { defaultValue: value };
        void growthbook.setPayload({ features: { ...features } });
      },
      close: () => growthbook.destroy(),
    };
  },
};
