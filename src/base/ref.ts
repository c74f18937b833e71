import type { Digest } from './digest.ts';

/** A result by name: a plain blob, or a tree with everything below it. */
export interface Ref {
  readonly kind: 'blob' | 'tree';
  readonly digest: Digest;
}
