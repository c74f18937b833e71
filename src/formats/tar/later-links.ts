import type { ByteString } from '../../base/byte-string.ts';
import { refused, show } from '../archive-errors.ts';
import type { Known } from '../archive-names.ts';
import type { TarEntry } from './entry.ts';

type Link = Extract<TarEntry, { type: 'hardlink' }>;

/** Hard links that stand before the file they lead to. */
export interface LaterLinks {
  hold(link: Link, where: string): void;
  /** The links that waited for this path, and those that waited for them; they are files now. */
  release(path: ByteString): Iterable<Link>;
  /** Throws (PK3302) when a link still waits. */
  end(): void;
}

/** No links wait. */
export function laterLinks({ types }: Known): LaterLinks {
  const waiting = new Map<ByteString, { readonly link: Link; readonly where: string }[]>();
  return {
    hold(link, where) {
      const others = waiting.get(link.target);
      if (others === undefined) waiting.set(link.target, [{ link, where }]);
      else others.push({ link, where });
    },
    *release(path) {
      if (waiting.size === 0 || types.get(path) !== 'file') return;
      const files = [path];
      for (let file = files.pop(); file !== undefined; file = files.pop()) {
        const links = waiting.get(file) ?? [];
        waiting.delete(file);
        for (const { link } of links) {
          types.set(link.path, 'file');
          files.push(link.path);
          yield link;
        }
      }
    },
    end() {
      for (const [{ link, where } = {}] of waiting.values())
        if (link !== undefined && where !== undefined)
          throw refused(where, `${show(link.path)} is a hard link to ${show(link.target)}, which is no file in the archive`);
    },
  };
}
