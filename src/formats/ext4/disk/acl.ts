/** Tags that carry an id: a named user, a named group. */
const named = new Set([0x02, 0x08]);
/** Tags without: owner, owning group, mask, others. */
const plain = new Set([0x01, 0x04, 0x10, 0x20]);

/** An ACL as the `system.posix_acl_*` attribute gives it (version 2), in ext4's own form (version 1); undefined if it is none. */
export function aclToDisk(value: Uint8Array): Buffer | undefined {
  const from = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  if (from.length < 4 || from.length % 8 !== 4 || from.readUInt32LE(0) !== 2) return undefined;
  const parts: Buffer[] = [Buffer.from([1, 0, 0, 0])];
  for (let at = 4; at < from.length; at += 8) {
    const tag = from.readUInt16LE(at);
    if (!named.has(tag) && !plain.has(tag)) return undefined;
    parts.push(from.subarray(at, at + (named.has(tag) ? 8 : 4)));
  }
  return Buffer.concat(parts);
}

/** The other way round; undefined if the bytes are no ACL. */
export function aclFromDisk(value: Uint8Array): Buffer | undefined {
  const from = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  if (from.length < 4 || from.readUInt32LE(0) !== 1) return undefined;
  const parts = [Buffer.from([2, 0, 0, 0])];
  let at = 4;
  while (at + 4 <= from.length) {
    const tag = from.readUInt16LE(at);
    if (!named.has(tag) && !plain.has(tag)) return undefined;
    const length = named.has(tag) ? 8 : 4;
    if (at + length > from.length) return undefined;
    const entry = Buffer.alloc(8, 0xff);
    from.copy(entry, 0, at, at + length);
    parts.push(entry);
    at += length;
  }
  return at === from.length ? Buffer.concat(parts) : undefined;
}
