import type { Reference } from './reference.ts';
import type { Selector } from './selector.ts';

/** A place that variants are pushed to or pulled from, as definitions describe it. */
export type BackendConfig =
  | { readonly backend: 'file-system'; readonly root: string }
  | { readonly backend: 'hosted-api'; readonly endpoint: string }
  | {
      readonly backend: 'oci-registry';
      readonly transport?: 'https' | 'plain-http';
      readonly auth?: { readonly kind: 'anonymous' };
    };

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
