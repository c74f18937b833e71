import { PortkitError } from '../../base/errors.ts';
import type { Descriptor } from '../model/descriptor.ts';
import { parseManifest } from '../model/manifest.ts';
import type { ImageIndex } from '../model/manifest.ts';
import type { Referrers } from '../model/ports.ts';
import { describeReferrer } from '../model/produce.ts';
import { fallbackTag, readFallback, updateFallback } from './fallback-tag.ts';
import type { FallbackUpdate } from './fallback-tag.ts';
import type { RawManifest } from './manifests.ts';
import { pages } from './pages.ts';
import type { Session } from './session.ts';

/** What refers to the manifests of a repository, from the registry itself or from the tags that stand in for it. */
export interface Referring extends Referrers {
  /** All of them, or those of one type. */
  referrers(subject: Descriptor, signal: AbortSignal, artifactType?: string): AsyncIterable<Descriptor>;
  /** Whether a manifest that is there is also known to whom it refers to. */
  knows(manifest: RawManifest, signal: AbortSignal): Promise<boolean>;
  /** Makes a manifest that was pushed known; `said` is the `OCI-Subject` of the answer. */
  add(manifest: RawManifest, said: string | undefined, signal: AbortSignal): Promise<void>;
  /** Lets what refers to something be forgotten with it. */
  drop(manifest: RawManifest, signal: AbortSignal): Promise<void>;
}

/** For one repository; whether its registry lists referrers is found out once. */
export function createReferring(session: Session): Referring {
  let listed: boolean | undefined;
  let turn = Promise.resolve();

  /** Changes of this process wait for each other; against others there is only looking again. */
  function update(subject: Descriptor, change: FallbackUpdate['change'], signal: AbortSignal): Promise<void> {
    const mine = turn.then(() => updateFallback(session, { tag: fallbackTag(subject), change }, signal));
    turn = mine.catch(() => undefined);
    return mine;
  }

  async function* ofRegistry(subject: Descriptor, signal: AbortSignal): AsyncGenerator<Descriptor> {
    const wanted = { url: session.place.url(`referrers/${subject.digest}`), what: 'referrers', signal };
    try {
      for await (const { bytes, mediaType } of pages(session, wanted)) {
        const { manifests } = indexOf(session, bytes, mediaType);
        listed = true;
        yield* manifests;
      }
    } catch (error) {
      if (listed === true || !isAbsence(error)) throw error;
      listed = false;
    }
  }

  async function* referrers(subject: Descriptor, signal: AbortSignal, artifactType?: string): AsyncGenerator<Descriptor> {
    const seen = new Set<string>();
    for await (const one of all(subject, signal)) {
      if (seen.has(one.digest)) continue;
      seen.add(one.digest);
      // Registries may leave the filter out, so it is not asked for.
      if (artifactType === undefined || one.artifactType === artifactType) yield one;
    }
  }

  async function* all(subject: Descriptor, signal: AbortSignal): AsyncGenerator<Descriptor> {
    if (listed !== false) yield* ofRegistry(subject, signal);
    if (listed !== true) yield* await readFallback(session, fallbackTag(subject), signal);
  }

  async function isListed(subject: Descriptor, signal: AbortSignal): Promise<boolean> {
    if (listed === undefined) await ofRegistry(subject, signal).next();
    return listed === true;
  }

  return {
    referrers,
    async knows({ descriptor, bytes }, signal) {
      const { subject } = parse(session, { descriptor, bytes });
      if (subject === undefined) return true;
      for await (const { digest } of referrers(subject, signal)) if (digest === descriptor.digest) return true;
      return false;
    },
    async add({ descriptor, bytes }, said, signal) {
      const manifest = parse(session, { descriptor, bytes });
      const { subject } = manifest;
      // A registry may name the subject and still not list what refers to it.
      if (subject === undefined || (said !== undefined && (await isListed(subject, signal)))) return;
      const entry = describeReferrer(descriptor, manifest);
      await update(subject, (before) => withEntry(before, entry), signal);
    },
    async drop({ descriptor, bytes }, signal) {
      const { subject } = parse(session, { descriptor, bytes });
      if (subject === undefined || (await isListed(subject, signal))) return;
      const change = (before: readonly Descriptor[]) => withoutEntry(before, descriptor);
      await update(subject, change, signal);
    },
  };
}

function parse({ place }: Session, { descriptor, bytes }: RawManifest) {
  return parseManifest(bytes, { shown: `${place.shown}@${descriptor.digest}`, mediaType: descriptor.mediaType });
}

function indexOf({ place }: Session, bytes: Uint8Array, mediaType: string): ImageIndex {
  const index = parseManifest(bytes, { shown: `The referrers of ${place.shown}`, mediaType });
  if (index.kind === 'index') return index;
  throw new PortkitError('PK4002', `${place.shown} answers with no list of referrers`);
}

/** What registries say that do not know of referrers: that it is not there, or anything else. */
function isAbsence(error: unknown): boolean {
  return error instanceof PortkitError && ['PK4001', 'PK4002', 'PK4035', 'PK4036'].includes(error.code);
}

/** Others may have listed it without what it says of itself. */
function withEntry(before: readonly Descriptor[], entry: Descriptor): readonly Descriptor[] {
  const there = before.filter(({ digest }) => digest === entry.digest);
  if (there.length === 1 && there.every((one) => saysAll(one, entry))) return before;
  return [...withoutEntry(before, entry), entry].toSorted((a, b) => (a.digest < b.digest ? -1 : 1));
}

function saysAll(one: Descriptor, { artifactType, annotations = {} }: Descriptor): boolean {
  return (
    one.artifactType === artifactType && Object.entries(annotations).every(([name, value]) => one.annotations?.[name] === value)
  );
}

function withoutEntry(before: readonly Descriptor[], { digest }: Pick<Descriptor, 'digest'>): readonly Descriptor[] {
  const after = before.filter((one) => one.digest !== digest);
  return after.length === before.length ? before : after;
}
