import type { Reference } from './reference.ts';
import type { Selector } from './selector.ts';

/** A value that is not written into a definition: it is in a variable of the environment. */
export interface ValueSource {
  readonly kind: 'env';
  readonly variable: string;
}

/** How a registry is told who asks; `docker-config` is whoever the files of Docker and podman say. */
export type RegistryAuth =
  | { readonly kind: 'anonymous' }
  | { readonly kind: 'basic'; readonly username: ValueSource; readonly password: ValueSource }
  | { readonly kind: 'bearer'; readonly source: ValueSource }
  | { readonly kind: 'docker-config' };

/** A registry that has the variants of an artifact: its host is the registry of the artifact's reference. */
export interface RegistryConfig {
  readonly backend: 'oci-registry';
  readonly transport?: 'https' | 'plain-http';
  /** Variants below one tag in an index (the way when nothing is said), or each under a tag of its own, as Port has it. */
  readonly tagForm?: 'index' | 'per-variant';
  readonly auth?: RegistryAuth;
}

/** A place that variants are pushed to or pulled from, as definitions describe it. */
export type BackendConfig =
  | { readonly backend: 'file-system'; readonly root: string }
  | { readonly backend: 'hosted-api'; readonly endpoint: string }
  | RegistryConfig;

/** The steps that make a variant, by the names that they have in the graph. */
export interface VariantBuild {
  readonly step: string;
  /** Makes the `initrd.cpio.gz` beside the variant. */
  readonly initrd?: string;
}

/** One concrete form of an artifact. */
export interface Variant {
  readonly selector: Selector;
  /** Where its file is in the project: relative, `/` between names. */
  readonly path: string;
  readonly build?: VariantBuild;
}

/** What is shipped under one reference. */
export interface Artifact {
  readonly kind: 'kernel' | 'guest-image';
  readonly name: string;
  readonly reference: Reference;
  readonly cacheRoot: string;
  readonly push?: BackendConfig;
  readonly pull?: BackendConfig;
  readonly variants: readonly Variant[];
}

/** Where copies of pushed and pulled variants are kept when a definition does not say. */
export const defaultCacheRoot = '.port/cache';
