import { chmodSync, lchownSync, linkSync, lutimesSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** In which order the files of a source are made, which is mostly the one in which directories give them. */
export type SourceOrder = 'usual' | 'reversed';

const text = (size: number): Buffer => Buffer.alloc(size, 'Some text, the same again and again; ');
const times = { seconds: 1_600_000_000 };

/** Paths as bytes, with what stands there. */
const files: Readonly<Record<string, { readonly size: number; readonly mode: number }>> = {
  'etc/passwd': { size: 1200, mode: 0o644 },
  'etc/shadow': { size: 900, mode: 0o600 },
  'etc/empty': { size: 0, mode: 0o444 },
  'usr/bin/one': { size: 65_536, mode: 0o4755 },
  'usr/bin/Two': { size: 65_537, mode: 0o755 },
  'usr/lib/large': { size: 2_500_000, mode: 0o644 },
  'usr/lib/middle': { size: 262_145, mode: 0o644 },
  'usr/share/\xe4 in latin1': { size: 10, mode: 0o640 },
  'usr/share/\xc3\xa4 in UTF-8': { size: 4096, mode: 0o640 },
  'usr/share/i': { size: 4097, mode: 0o644 },
  'usr/share/I': { size: 4095, mode: 0o644 },
};
const many = Array.from({ length: 150 }, (_, at) => `many/${at}`);

/** Makes the one tree that golden digests are about: the same content and permissions in any order. */
export function makeSource(
  path: string,
  { order, time, owner }: { readonly order: SourceOrder; readonly time?: number; readonly owner?: number },
): void {
  const at = (name: string): Buffer => Buffer.from(`${path}/${name}`, 'latin1');
  const paths = [...Object.keys(files), ...many];
  const folders = [...new Set([...paths.map((name) => dirname(name)), 'usr', 'var', 'var/deep', 'var/deep/er'])];
  const made = [...folders, ''].toSorted();
  for (const folder of made) mkdirSync(at(folder), { recursive: true });
  for (const name of order === 'reversed' ? paths.toReversed() : paths) {
    writeFileSync(at(name), text(files[name]?.size ?? 7));
  }
  linkSync(at('usr/bin/one'), at('usr/bin/zero'));
  linkSync(at('usr/bin/one'), at('usr/lib/linked'));
  symlinkSync('../etc/passwd', at('var/link'));
  for (const name of [...paths, 'var/link', ...made.toReversed()]) {
    // Whoever gives a file away takes its set-user-ID bit.
    if (owner !== undefined) lchownSync(at(name), owner, owner);
    if (made.includes(name)) chmodSync(at(name), name === 'var/deep' ? 0o1777 : 0o755);
    else if (name !== 'var/link') chmodSync(at(name), files[name]?.mode ?? 0o600);
    lutimesSync(at(name), time ?? times.seconds, time ?? times.seconds);
  }
}
