// The same app without our packages: the imports of both lead here, and every value is a constant.
import { type ReactElement, type ReactNode, Suspense } from 'react';

const VALUES = { betaShop: false, newCheckout: false, theme: 'light', cartItems: 20 };
type Key = keyof typeof VALUES;

interface Options {
  context: () => Promise<unknown>;
}

/** Reads the request in `flags` and `ConfigRoot` only: Next allows it nowhere in `'use cache'`. */
export function createNextConfig({ context }: Options) {
  const read = async (key: Key) => VALUES[key];
  const root = async ({ children }: { children?: ReactNode }) => {
    await context();
    return <>{children}</>;
  };
  return {
    client: async () => undefined,
    flag: read,
    flags: async (keys: Key[]) => {
      await context();
      return keys.map((key) => VALUES[key]);
    },
    limit: read,
    publicValue: async () => 'hello@shop.example',
    secret: async () => 'constant',
    snapshot: async () => ({}),
    ConfigRoot: ({ fallback, ...props }: { fallback?: ReactNode; children?: ReactNode }): ReactElement => {
      const Root = root;
      return (
        <Suspense fallback={fallback}>
          <Root {...props} />
        </Suspense>
      );
    },
    handlers: { GET: () => new Response(null, { status: 404 }) },
  };
}

export const getSharedConfigClient = () => ({
  ready: async () => ({ flag: (key: Key) => VALUES[key], snapshot: () => ({}) }),
});
export const ConfigProvider = ({ children }: { children?: ReactNode }): ReactElement => <>{children}</>;
export const RefreshOnChange = (): null => null;
export const useFlag = (key: Key) => VALUES[key];
export const useLimit = (key: Key) => VALUES[key];
export const defineConfig = (config: unknown) => config;
export const defineLimit = (limit: unknown) => limit;
