import { emptyView, foldEvent } from '../progress/view.ts';
import type { Face, Write } from './face.ts';
import { troubleLines } from './lines.ts';
import type { Style } from './style.ts';

/** Warnings and failures, nothing else. */
export function quietFace({ write, style }: { readonly write: Write; readonly style: Style }): Face {
  const view = emptyView();
  return {
    take(event) {
      foldEvent(view, event);
      const lines = troubleLines(event, view, style);
      if (lines.length > 0) write(`${lines.join('\n')}\n`);
    },
    end() {},
  };
}
