import { never } from '../base/exhaustive.ts';
import type { FaceKind } from './choose.ts';
import type { Clock, Face, Write } from './face.ts';
import type { Size } from './frame.ts';
import { jsonFace } from './json.ts';
import { plainFace } from './plain.ts';
import { quietFace } from './quiet.ts';
import { styleFor } from './style.ts';
import { ttyFace } from './tty.ts';

/** What the faces see of the process. */
interface FaceWorld {
  readonly write: Write;
  readonly clock: Clock;
  readonly size: () => Size;
  /** Whether there may be colours: a terminal, no NO_COLOR, no TERM=dumb. */
  readonly colors: boolean;
}

/** The face of a kind. */
export function createFace(kind: FaceKind, { write, clock, size, colors }: FaceWorld): Face {
  const style = styleFor(colors);
  switch (kind) {
    case 'tty':
      return ttyFace({ write, size, clock, style });
    case 'plain':
      return plainFace({ write, clock, style });
    case 'json':
      return jsonFace(write);
    case 'quiet':
      return quietFace({ write, style });
    default:
      return never(kind);
  }
}
