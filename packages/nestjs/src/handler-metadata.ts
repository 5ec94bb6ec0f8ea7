import type { ExecutionContext } from '@nestjs/common';
import type { AnyConfig, EvaluationContext } from '@smooai/config';
import type { ConfigClient } from '@smooai/config/server';
import type { ConfigReader } from './config-reader.ts';
import type { HostClass } from './hosts.ts';
import type { InjectedValue } from './tokens.ts';

/** A condition that must hold for a call, and the HTTP status if it does not. */
export interface Requirement {
  /** The instance that it reads. */
  name: string;
  /** The flag, unless a predicate decides. */
  key: string | undefined;
  /** Text for messages, such as `@RequireFlag("newCheckout")`. */
  label: string;
  status: number;
  isMet: (config: ConfigReader<AnyConfig>, executionContext: ExecutionContext) => boolean | Promise<boolean>;
}

/** A parameter of a handler that `@Flag` or one of its siblings fills. */
export interface EvaluatedParameter {
  name: string;
  tier: 'public' | 'feature_flag' | 'limit';
  key: string;
  label: string;
  index: number;
  /** Returns the parameter's value for a context. */
  read: (client: ConfigClient<AnyConfig>, context: EvaluationContext) => unknown;
}

/** A constructor parameter or property that `@InjectPublic` or `@InjectSecret` fills. */
export interface Injection extends InjectedValue {
  name: string;
  label: string;
  /** The index of the constructor's parameter, or the name of the property. */
  place: number | string | symbol;
}

/** A method that `@OnConfigChange` calls. */
export interface ChangeListener {
  name: string;
  paths: readonly string[];
}

/** The start of the keys of all metadata of this package. */
export const METADATA_PREFIX = 'smooai-config:';

/** Metadata that decorators leave on a class, on a function, or on a prototype under the name of a method. */
export class MetadataList<Entry> {
  readonly #key: string;

  constructor(key: string) {
    this.#key = METADATA_PREFIX + key;
  }

  add(target: object, method: string | symbol | undefined, entry: Entry): void {
    const known = this.#own(target, method);
    Reflect.defineMetadata(this.#key, [entry, ...known], target, method as string);
  }

  /** The entries of a class, those of its base classes included. */
  ofClass(host: object): readonly Entry[] {
    const base: unknown = Object.getPrototypeOf(host);
    const inherited = typeof base === 'function' ? this.ofClass(base) : [];
    return [...this.#own(host, undefined), ...inherited];
  }

  /** The entries of a function. A decorator that replaces a method can lose them. */
  ofFunction(handler: object): readonly Entry[] {
    return this.#own(handler, undefined);
  }

  /** The entries under the name of a method, from the class or base class that declares it. */
  ofMethod(host: HostClass, method: string): readonly Entry[] {
    const owner = declaringPrototype(host, method);
    return owner === undefined ? [] : this.#own(owner, method);
  }

  #own(target: object, method: string | symbol | undefined): readonly Entry[] {
    return (Reflect.getOwnMetadata(this.#key, target, method as string) as Entry[] | undefined) ?? [];
  }
}

export const requirements: MetadataList<Requirement> = new MetadataList('requirements');
export const parameters: MetadataList<EvaluatedParameter> = new MetadataList('parameters');
export const injections: MetadataList<Injection> = new MetadataList('injections');
export const listeners: MetadataList<ChangeListener> = new MetadataList('listeners');

function declaringPrototype(host: HostClass, method: string): object | undefined {
  for (
    let owner: object | null = host.prototype as object;
    owner !== null;
    owner = Object.getPrototypeOf(owner)
  ) {
    if (Object.hasOwn(owner, method)) return owner;
  }
  return undefined;
}
