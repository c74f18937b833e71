import type { ByteString } from '../../base/byte-string.ts';
import type { TarAttributes, TarEntry } from '../tar/entry.ts';

/** One entry of a cpio: what a tar can hold, or a socket; it never has extended attributes. */
export type CpioEntry = TarEntry | (TarAttributes & { readonly path: ByteString; readonly type: 'socket' });
