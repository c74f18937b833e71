import { PortkitError } from '../base/errors.ts';
import { autoFace } from '../faces/choose.ts';
import type { FaceKind } from '../faces/choose.ts';
import { createFace } from '../faces/create.ts';
import type { Face } from '../faces/face.ts';
import type { Invocation, Option } from './command.ts';
import { writeAll } from './output.ts';
import { flag, textOption } from './values.ts';

/** The options that say how a build is shown. */
export const watchOptions: Readonly<Record<string, Option>> = {
  progress: { type: 'string', value: 'KIND', help: 'auto, plain, tty or json (events, one a line); on standard error' },
  quiet: { type: 'boolean', short: 'q', help: 'show failures only, and print the digests of the targets alone' },
};

const kinds = ['auto', 'plain', 'tty', 'json'];

/** A face that is also told what goes wrong beside the steps. */
export interface Watch extends Face {
  /** What is told after the end becomes a note; nothing is told twice. */
  warn(message: string): void;
}

/** The face that a command line asks for, on standard error. */
export function faceOf({ options, note }: Pick<Invocation, 'options' | 'note'>): Watch {
  const { env, stderr } = process;
  const asked = textOption(options, 'progress') ?? 'auto';
  if (!kinds.includes(asked)) {
    throw new PortkitError('PK1004', `--progress ${JSON.stringify(asked)} is not known`, {
      hint: `It is one of: ${kinds.join(', ')}`,
    });
  }
  const auto = autoFace({ isTty: stderr.isTTY, ci: env['CI'], term: env['TERM'] });
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- looked up in the list above
  const kind: FaceKind = flag(options, 'quiet') ? 'quiet' : asked === 'auto' ? auto : (asked as FaceKind);
  const { write, size, clock } = terminal();
  const colors = stderr.isTTY && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';
  const face = createFace(kind, { write, colors, size, clock });
  const told = new Set<string>();
  let at = 0;
  let isOver = false;
  return {
    take(event) {
      ({ at } = event);
      face.take(event);
    },
    warn(message) {
      if (told.has(message)) return;
      told.add(message);
      if (isOver) note(`warning: ${message}`);
      else face.take({ type: 'warning', message, at });
    },
    end() {
      isOver = true;
      face.end();
    },
  };
}

/** Standard error as faces see it. */
export function terminal(): Omit<Parameters<typeof createFace>[1], 'colors'> {
  const { stderr } = process;
  return {
    write: writeQuietly,
    size: () => ({ columns: stderr.columns || 80, rows: stderr.rows || 24 }),
    clock: {
      now: () => performance.now(),
      every(milliseconds, call) {
        const timer = setInterval(call, milliseconds).unref();
        return () => clearInterval(timer);
      },
    },
  };
}

/** Progress never fails a build. */
function writeQuietly(text: string): void {
  try {
    writeAll(2, text);
  } catch {
    // Nobody is left to be told.
  }
}
