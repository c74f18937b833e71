import { posix } from 'node:path';
import type { ErrorCode } from '../../base/errors.ts';
import type { Artifact, BackendConfig } from './artifact.ts';
import { printable } from '../../base/printable.ts';
import { filesOf, initrdName } from './paths.ts';
import { showReference, wrongPart } from './reference.ts';
import { showSelector } from './selector.ts';

/** The keys that lead to a value below the table of an artifact. */
type Keys = readonly (string | number)[];

/** One thing that is wrong: in which artifact (by its position), and at which keys. */
export interface Fault {
  readonly code: ErrorCode;
  readonly message: string;
  readonly artifact: number;
  readonly at: Keys;
  /** What it collides with. */
  readonly other?: { readonly artifact: number; readonly at: Keys };
}

/** Everything that is wrong with artifacts before any file is looked at. */
export function checkArtifacts(artifacts: readonly Artifact[]): readonly Fault[] {
  return [
    ...artifacts.flatMap((artifact, at) => [...checkReference(artifact), ...checkPlaces(artifact)].map(inArtifact(at))),
    ...collisions(artifacts),
  ];
}

type Own = Omit<Fault, 'artifact' | 'other'>;

function inArtifact(artifact: number): (fault: Own) => Fault {
  return (fault) => ({ ...fault, artifact });
}

function checkReference({ reference }: Artifact): readonly Own[] {
  return (['registry', 'repository', 'version'] as const).flatMap((part) => {
    const message = wrongPart(part, reference[part]);
    return message === undefined ? [] : [{ code: 'PK3901', message, at: ['reference', part] }];
  });
}

function checkPlaces(artifact: Artifact): readonly Own[] {
  const { cacheRoot, variants } = artifact;
  const faults: Own[] = [];
  const outside = (path: string, at: Keys): void => {
    const wrong = wrongPath(path);
    if (wrong !== undefined) faults.push({ code: 'PK3906', message: `the path ${quote(path)} ${wrong}`, at });
  };
  outside(cacheRoot, ['distribution', 'cache_root']);
  for (const verb of ['push', 'pull'] as const) faults.push(...checkBackend(artifact[verb], ['distribution', verb]));
  for (const [index, { path, build }] of variants.entries()) {
    const at = ['variants', index, 'path'];
    outside(path, at);
    const name = posix.basename(path);
    if (name.endsWith('.sha256') || (build?.initrd !== undefined && name === initrdName)) {
      faults.push({ code: 'PK3905', message: `the name ${quote(name)} is taken by a file beside it`, at });
    }
    if (isBelow(path, cacheRoot)) {
      faults.push({ code: 'PK3905', message: `the path ${quote(path)} is in the cache root`, at });
    }
  }
  return faults;
}

function checkBackend(config: BackendConfig | undefined, at: Keys): readonly Own[] {
  const wrong = config?.backend === 'hosted-api' ? wrongEndpoint(config.endpoint) : undefined;
  if (wrong !== undefined) return [{ code: 'PK1103', message: wrong, at: [...at, 'endpoint'] }];
  if (config?.backend !== 'file-system' || isPlain(config.root)) return [];
  return [{ code: 'PK3906', message: `the root ${quote(config.root)} is no plain path`, at: [...at, 'root'] }];
}

/** What is wrong with the address of a server, which has no password, query or fragment in it; undefined when nothing is. */
export function wrongEndpoint(text: string): string | undefined {
  const url = URL.parse(text);
  const plain = url !== null && url.username + url.password + url.search + url.hash === '';
  if (plain && ['http:', 'https:'].includes(url.protocol)) return undefined;
  return 'expected an http or https address such as "http://127.0.0.1:7040"';
}

/** What is wrong with a path that has to stay in the project; undefined when nothing is. */
function wrongPath(path: string): string | undefined {
  if (!isPlain(path) || path.endsWith('/')) return 'is no plain path';
  if (posix.isAbsolute(path)) return 'is absolute, and has to be in the project';
  if (path.split('/').includes('..')) return 'leads up, and has to stay in the project';
  return posix.basename(path) === '.' ? 'ends in no name' : undefined;
}

/** Nothing that a terminal would not show as it is, and no `${…}`, which has no meaning here. */
function isPlain(path: string): boolean {
  return path !== '' && printable(path) === path && !/\\|\$\{/.test(path);
}

function quote(path: string): string {
  return JSON.stringify(path.length > 200 ? `${path.slice(0, 200)}…` : path);
}

function isBelow(path: string, folder: string): boolean {
  return `${posix.normalize(path)}/`.startsWith(`${posix.normalize(folder)}/`);
}

/** References, selectors and files that are there twice. */
function collisions(artifacts: readonly Artifact[]): readonly Fault[] {
  const met = new Map<string, { readonly artifact: number; readonly at: Keys }>();
  const faults: Fault[] = [];
  function meet(key: string, place: { readonly artifact: number; readonly at: Keys }, message: string): void {
    const other = met.get(key);
    if (other === undefined) met.set(key, place);
    else faults.push({ code: 'PK3905', message, ...place, other });
  }
  for (const [artifact, { reference, variants }] of artifacts.entries()) {
    const shown = showReference(reference);
    meet(`reference ${shown}`, { artifact, at: ['reference'] }, `two artifacts have the reference ${shown}`);
    for (const [index, variant] of variants.entries()) {
      const selector = showSelector(variant.selector);
      const at = ['variants', index];
      meet(`${artifact} ${selector}`, { artifact, at: [...at, 'selector'] }, `two variants have the selector ${selector}`);
      for (const { path } of filesOf(variant)) {
        const file = posix.normalize(path);
        meet(`file ${file}`, { artifact, at: [...at, 'path'] }, `two variants have the file ${quote(file)}`);
      }
    }
  }
  return faults;
}
