import type { LayoutTarget } from './target.ts';
import { layoutTarget } from './target.ts';
import type { WritableFiles } from './files.ts';
import { createTurn } from './turn.ts';

/** An empty layout in memory. */
export function memoryLayout(shown = 'memory'): LayoutTarget {
  return layoutTarget(memoryFiles(shown, new Map()));
}

/** The files of a layout in memory. */
export function memoryFiles(shown: string, held: Map<string, Uint8Array>): WritableFiles {
  const inTurn = createTurn();
  return {
    shown,
    size: (path) => Promise.resolve(held.get(path)?.length),
    async *open(path, signal) {
      signal.throwIfAborted();
      const bytes = held.get(path);
      if (bytes === undefined) throw new Error(`${path} was not asked for`);
      yield bytes;
    },
    async put(path, content, signal) {
      const chunks: Uint8Array[] = [];
      for await (const chunk of content) {
        signal.throwIfAborted();
        chunks.push(chunk);
      }
      held.set(path, Buffer.concat(chunks));
    },
    remove: (path) => Promise.resolve(held.delete(path)),
    alone: (work) => inTurn(work),
  };
}
