import type { WholeFile } from '../../store/blobs.ts';
import type { GrowingFile, Part, Parts } from '../../store/parts/parts.ts';

/** What the server said about the bytes, so that a later request can ask for the rest of the same ones. */
export interface Entity {
  /** A strong ETag, else Last-Modified. */
  readonly validator?: string;
  readonly total?: number;
}

/** A file that is still coming, and what server's bytes it has. What it holds is only believed after its checksum was right. */
export interface PartialFile extends AsyncDisposable {
  readonly received: number;
  readonly entity: Entity;
  /** Begins anew; nothing of what came before is left. */
  restart(entity: Entity): Promise<void>;
  /** Takes what comes behind what is there. */
  grow(): Promise<GrowingFile>;
  /** The file, hashed and durable. */
  finish(): Promise<WholeFile>;
  remove(): Promise<void>;
}

/** Processes that may fetch the same at once. */
const most = 1000;

/** Opens what an earlier attempt left under this name, or begins anew. While others fetch the same, each has a file of its own. */
export async function openPartial(parts: Parts, name: string, signal: AbortSignal): Promise<PartialFile> {
  for (let count = 1; count <= most; count += 1) {
    const part = await parts.open(count === 1 ? name : `${name}-${count}`, signal);
    if (part !== undefined) return partialOf(part);
  }
  throw new Error(`${most} processes fetch the same`);
}

function partialOf(part: Part): PartialFile {
  const entity = (): Entity => entityOf(part.note);
  const grow = () => part.grow(entity().total ?? 0);
  return {
    get received() {
      return part.size;
    },
    get entity() {
      return entity();
    },
    restart: (next) => part.begin(JSON.stringify(next)),
    grow,
    async finish() {
      const blob = await (await grow()).finish();
      return { ...blob, path: part.path };
    },
    remove: () => part.remove(),
    [Symbol.asyncDispose]: () => part[Symbol.asyncDispose](),
  };
}

function entityOf(note = '{}'): Entity {
  const value: unknown = parse(note);
  if (typeof value !== 'object' || value === null) return {};
  const validator = 'validator' in value && typeof value.validator === 'string' ? value.validator : undefined;
  const total = 'total' in value && typeof value.total === 'number' ? value.total : undefined;
  return { ...(validator === undefined ? {} : { validator }), ...(total === undefined ? {} : { total }) };
}

function parse(note: string): unknown {
  try {
    return JSON.parse(note);
  } catch {
    return undefined;
  }
}
