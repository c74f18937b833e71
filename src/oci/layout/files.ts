import type { Descriptor } from '../model/descriptor.ts';
import type { OciDigest } from '../model/digest.ts';
import type { Source } from '../model/ports.ts';

/** How the files of a layout are read, wherever they are. Paths are those of image-spec, image-layout.md. */
export interface LayoutFiles {
  /** As messages name it. */
  readonly shown: string;
  /** How many bytes a file has, or undefined when it is not there. */
  size(path: string, signal: AbortSignal): Promise<number | undefined>;
  /** The content of a file that is there. */
  open(path: string, signal: AbortSignal): AsyncIterable<Uint8Array>;
}

/** A blob that may come as a file. */
interface BlobFile extends Pick<Descriptor, 'digest' | 'size'> {
  readonly signal: AbortSignal;
  /** Gives the file to `use`, on the file system of `beside`; false where there is none. */
  readonly asFile: (beside: string, use: (path: string) => Promise<void>) => Promise<boolean>;
}

/** How the files of a layout are written. */
export interface WritableFiles extends LayoutFiles {
  /** Puts a whole file in its place, durably, and only if the content ends without an error. */
  put(path: string, content: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void>;
  /** Takes a blob in by moving its file, where there is one; false where there is none. */
  adopt?(path: string, blob: BlobFile): Promise<boolean>;
  /** Takes a file away; whether it was there. */
  remove(path: string, signal: AbortSignal): Promise<boolean>;
  /** Does work while nobody else does any under the same lock. */
  alone<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T>;
}

/** A layout that can be read. */
export interface LayoutSource extends Source {
  /** The entries of `index.json`, in their order. */
  roots(signal: AbortSignal): Promise<readonly Descriptor[]>;
}

/** The annotation that names an entry of `index.json` (image-spec, annotations.md). */
export const refName = 'org.opencontainers.image.ref.name';

/** The content of the file that marks a layout. */
export const mark = '{"imageLayoutVersion":"1.0.0"}';

/** Where a blob is in a layout. */
export function blobPath(digest: OciDigest): string {
  return `blobs/${digest.replace(':', '/')}`;
}
