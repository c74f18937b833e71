declare const byteStringBrand: unique symbol;

/**
 * A file name, path or link target as the kernel has it: bytes, one per character (latin1).
 * Names need not be UTF-8; in this form they compare, sort and concatenate by byte with plain string operators.
 */
export type ByteString = string & { readonly [byteStringBrand]: true };

/** The byte string of ordinary text, encoded as UTF-8. */
export function byteString(text: string): ByteString {
  return fromBytes(Buffer.from(text, 'utf8'));
}

/** The byte string of raw bytes. */
export function fromBytes(bytes: Uint8Array): ByteString {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the one place where the brand is given
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1') as ByteString;
}

/** The raw bytes of a byte string. */
export function toBytes(name: ByteString): Buffer {
  return Buffer.from(name, 'latin1');
}

/** A byte string to show to people: UTF-8 where it is, other bytes as U+FFFD. */
export function showBytes(name: ByteString): string {
  return toBytes(name).toString('utf8');
}

/** What Node's file calls take for this path: the string itself when it is ASCII, else a Buffer. */
export function nodePath(path: ByteString): string | Buffer {
  // oxlint-disable-next-line no-control-regex -- ASCII is exactly this range
  return /^[\x01-\x7f]*$/.test(path) ? path : toBytes(path);
}
