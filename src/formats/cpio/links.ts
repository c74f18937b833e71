import type { ByteString } from '../../base/byte-string.ts';
import { malformed, refused, show } from '../archive-errors.ts';
import type { CpioHeader } from './header.ts';

/** A file of several names, while its archive is read. */
interface Linked {
  readonly header: CpioHeader;
  /** Names without content that came before the name with it. */
  waiting: ByteString[];
  count: number;
  /** The name that the content came with. */
  first?: ByteString;
}

/** What one more name of a file turns out to be. */
type Name =
  | { readonly kind: 'content'; readonly waited: readonly ByteString[] }
  | { readonly kind: 'link'; readonly target: ByteString }
  | { readonly kind: 'waits' };

/** The hard links of one archive: names of one device and inode number. */
export interface Links {
  meet(path: ByteString, one: { readonly header: CpioHeader; readonly where: string }): Name;
  /** The files that no name brought content for: they are empty. */
  empty(): Iterable<{ readonly header: CpioHeader; readonly names: readonly ByteString[] }>;
}

/** No links yet. */
export function linksOf(): Links {
  const files = new Map<string, Linked>();
  return {
    meet(path, { header, where }) {
      if (header.nlink < 2) return { kind: 'content', waited: [] };
      const key = `${header.devMajor}:${header.devMinor}:${header.ino}`;
      const file = files.get(key) ?? { header, waiting: [], count: 0 };
      files.set(key, file);
      file.count += 1;
      if (!alike(header, file.header)) throw refused(where, `the names of one file differ in more than the name: ${show(path)}`);
      if (file.count > header.nlink) throw malformed(where, `${show(path)} is one more name of a file than it announces`);
      if (file.first !== undefined) {
        if (header.size > 0) throw refused(where, `a second name of a file brings content: ${show(path)}`);
        return { kind: 'link', target: file.first };
      }
      if (header.size === 0) {
        file.waiting.push(path);
        return { kind: 'waits' };
      }
      const waited = file.waiting;
      file.waiting = [];
      file.first = path;
      return { kind: 'content', waited };
    },
    *empty() {
      for (const { header, waiting } of files.values()) if (waiting.length > 0) yield { header, names: waiting };
    },
  };
}

function alike(a: CpioHeader, b: CpioHeader): boolean {
  return a.mode === b.mode && a.uid === b.uid && a.gid === b.gid && a.mtime === b.mtime && a.nlink === b.nlink;
}
