import type { Descriptor } from './descriptor.ts';
import type { ImageIndex } from './manifest.ts';
import { mediaTypes } from './media-types.ts';
import { describe, produceIndex } from './produce.ts';
import type { Produced } from './produce.ts';

type Fields = Readonly<Record<string, unknown>>;

const ofIndexes = new Set(['schemaVersion', 'mediaType', 'artifactType', 'manifests', 'subject', 'annotations']);
const ofEntries = new Set(['mediaType', 'digest', 'size', 'annotations', 'platform', 'artifactType']);

/** An index with other entries, and with all else that others say in it: of itself, and of the entries that it keeps. */
export function reproduceIndex(before: ImageIndex | undefined, manifests: readonly Descriptor[]): Produced {
  const produced = produceIndex({ ...before, manifests });
  if (before === undefined) return produced;
  const said = parsed(before.raw);
  const foreign = new Map(entriesOf(said).map((entry) => [entry['digest'], others(entry, ofEntries)]));
  const after = parsed(produced.bytes);
  const entries = entriesOf(after).map((entry) => ({ ...entry, ...foreign.get(entry['digest']) }));
  const bytes = Buffer.from(JSON.stringify({ ...after, manifests: entries, ...others(said, ofIndexes) }));
  return { bytes, descriptor: { ...produced.descriptor, ...describe(bytes, mediaTypes.index) } };
}

function parsed(bytes: Uint8Array): Fields {
  const value: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'));
  return isFields(value) ? value : {};
}

function entriesOf({ manifests }: Fields): readonly Fields[] {
  return Array.isArray(manifests) ? manifests.filter(isFields) : [];
}

function others(fields: Fields, known: ReadonlySet<string>): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([name]) => !known.has(name)));
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
