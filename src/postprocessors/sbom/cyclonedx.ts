import type { FoundSource, InstalledPackage, Inventory, KernelFound, ProgramFound, Subject } from './inventory.ts';
import { hashOf, purlOf } from './inventory.ts';

interface Component {
  readonly type: 'application' | 'container' | 'file' | 'library' | 'operating-system';
  readonly name: string;
  readonly version?: string | undefined;
  readonly 'bom-ref': string;
  readonly [field: string]: unknown;
}

/**
 * The inventory as CycloneDX 1.6, without what would make two of the same differ: no serial number, no time, and lists in
 * the order of the inventory.
 */
export function cycloneDocument({ name, manifest, subjects, sources }: Inventory): string {
  const root: Component = { type: 'container', name, 'bom-ref': 'root', ...hashes(manifest) };
  const told = subjects.map((subject, at) => {
    const ref = `input-${at + 1}`;
    const hash = hashes(subject.kind === 'blob' ? subject.digest : undefined);
    const unread = properties(subject.unread.map((value) => ['unread', value]));
    const holder: Component = { type: 'file', name: subject.name, 'bom-ref': ref, ...hash, ...unread };
    return { holder, inner: inside(subject, ref) };
  });
  const incomplete = told.flatMap(({ holder }, at) => (subjects[at]?.unread.length === 0 ? [] : holder['bom-ref']));
  const fetched = sources.map((source, at) => sourceOf(source, `source-${at + 1}`));
  return `${JSON.stringify({
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: { component: root },
    components: [...told.flatMap(({ holder, inner }) => [holder, ...inner]), ...fetched],
    dependencies: [
      dependency(
        root,
        told.map(({ holder }) => holder),
      ),
      ...told.flatMap(({ holder, inner }) => [dependency(holder, inner), ...inner.map((one) => dependency(one))]),
      ...fetched.map((one) => dependency(one)),
    ],
    compositions: incomplete.length === 0 ? undefined : [{ aggregate: 'incomplete', assemblies: incomplete }],
  })}\n`;
}

function dependency(one: Component, on: readonly Component[] = []): object {
  return { ref: one['bom-ref'], ...(on.length > 0 && { dependsOn: on.map((other) => other['bom-ref']) }) };
}

/** Members that are undefined are left out by JSON. */
function inside({ packages, kernels, programs, system }: Subject, ref: string): readonly Component[] {
  const found: Component[] = [];
  if (system !== undefined)
    found.push({ type: 'operating-system', name: system.id, version: system.version, 'bom-ref': `${ref}/system` });
  for (const [at, one] of packages.entries()) found.push(packageOf(one, system, `${ref}/package-${at + 1}`));
  for (const [at, one] of kernels.entries()) found.push(kernelOf(one, `${ref}/kernel-${at + 1}`));
  for (const [at, one] of programs.entries()) found.push(programOf(one, `${ref}/program-${at + 1}`));
  return found;
}

function packageOf(one: InstalledPackage, system: Subject['system'], ref: string): Component {
  const { name, version, license } = one;
  return {
    type: 'library',
    name,
    version,
    'bom-ref': ref,
    licenses: license === undefined ? undefined : [{ license: { name: license } }],
    purl: purlOf(one, system),
  };
}

function kernelOf({ release, digest, architecture, config, path }: KernelFound, ref: string): Component {
  const facts = { architecture, 'kernel-config': config, path };
  return {
    type: 'operating-system',
    name: 'linux',
    version: release,
    'bom-ref': ref,
    ...hashes(digest),
    ...properties(Object.entries(facts)),
  };
}

function programOf({ name, path, digest }: ProgramFound, ref: string): Component {
  return { type: 'application', name, 'bom-ref': ref, ...hashes(digest), ...properties([['path', path]]) };
}

/** What CycloneDX has no place for. */
function properties(facts: readonly (readonly [name: string, value: string | undefined])[]): object {
  const told = facts.flatMap(([name, value]) => (value === undefined ? [] : [{ name: `portkit:${name}`, value }]));
  return told.length === 0 ? {} : { properties: told };
}

/** Something that was only there for the build. */
function sourceOf({ name, url, digest, tree }: FoundSource, ref: string): Component {
  const where = url.startsWith('pkg:') ? { purl: url } : { externalReferences: [{ url: asIri(url), type: 'distribution' }] };
  return { type: 'file', name, 'bom-ref': ref, scope: 'excluded', ...hashes(digest), ...where, ...properties([['tree', tree]]) };
}

/** Text as an IRI reference: what cannot be in one is escaped. */
function asIri(text: string): string {
  return text.toWellFormed().replaceAll(/[\s\p{Cc}<>"{}|\\^`[\]]/gu, encodeURIComponent);
}

function hashes(digest: string | undefined): object {
  const hash = hashOf(digest);
  return hash === undefined ? {} : { hashes: [{ alg: `SHA-${hash.bits}`, content: hash.value }] };
}
