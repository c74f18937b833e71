import { ComponentScope, ComponentType, ExternalReferenceType, HashAlgorithm } from '@cyclonedx/cyclonedx-library/Enums';
import * as Models from '@cyclonedx/cyclonedx-library/Models';
import { JSON as CycloneJson, JsonSerializer } from '@cyclonedx/cyclonedx-library/Serialize';
import { Spec1dot6 } from '@cyclonedx/cyclonedx-library/Spec';
import type { FoundSource, InstalledPackage, Inventory, KernelFound, Subject } from '../../src/postprocessors/sbom/inventory.ts';
import { purlOf } from '../../src/postprocessors/sbom/inventory.ts';

/** The inventory as CycloneDX 1.6, by OWASP's library: what ours is judged by. */
export function libraryDocument(inventory: Inventory): string {
  const root = new Models.Component(ComponentType.Container, inventory.name, {
    bomRef: 'root',
    hashes: hashes(inventory.manifest),
  });
  const components: Models.Component[] = [];
  for (const [at, subject] of inventory.subjects.entries()) {
    const ref = `input-${at + 1}`;
    const holder = new Models.Component(ComponentType.File, subject.name, {
      bomRef: ref,
      hashes: hashes(subject.kind === 'blob' ? subject.digest : undefined),
      properties: propertiesOf(subject.unread.map((value) => ['portkit:unread', value])),
    });
    root.dependencies.add(holder.bomRef);
    const inner = [...inside(subject, ref)];
    for (const one of inner) holder.dependencies.add(one.bomRef);
    components.push(holder, ...inner);
  }
  for (const [at, source] of inventory.sources.entries()) components.push(sourceOf(source, `source-${at + 1}`));
  const bom = new Models.Bom({
    metadata: new Models.Metadata({ component: root }),
    components: new Models.ComponentRepository(components),
  });
  const serializer = new JsonSerializer(new CycloneJson.Normalize.Factory(Spec1dot6));
  return `${serializer.serialize(bom, { sortLists: false })}\n`;
}

function* inside({ packages, kernels, programs, system }: Subject, ref: string): Generator<Models.Component> {
  if (system !== undefined)
    yield new Models.Component(ComponentType.OperatingSystem, system.id, {
      bomRef: `${ref}/system`,
      ...(system.version !== undefined && { version: system.version }),
    });
  for (const [at, one] of packages.entries()) yield packageOf(one, system, `${ref}/package-${at + 1}`);
  for (const [at, one] of kernels.entries()) yield kernelOf(one, `${ref}/kernel-${at + 1}`);
  for (const [at, { name, path, digest }] of programs.entries())
    yield new Models.Component(ComponentType.Application, name, {
      bomRef: `${ref}/program-${at + 1}`,
      hashes: hashes(digest),
      properties: propertiesOf([['portkit:path', path]]),
    });
}

function packageOf(one: InstalledPackage, system: Subject['system'], bomRef: string): Models.Component {
  const { name, version, license } = one;
  const licenses = new Models.LicenseRepository(license === undefined ? [] : [new Models.NamedLicense(license)]);
  return new Models.Component(ComponentType.Library, name, { bomRef, version, licenses, purl: purlOf(one, system) });
}

function kernelOf({ release, digest, ...facts }: KernelFound, bomRef: string): Models.Component {
  const { path, architecture, config } = facts;
  const told = [
    ['portkit:architecture', architecture],
    ['portkit:kernel-config', config],
    ['portkit:path', path],
  ] as const;
  return new Models.Component(ComponentType.OperatingSystem, 'linux', {
    bomRef,
    ...(release !== undefined && { version: release }),
    hashes: hashes(digest),
    properties: propertiesOf(told),
  });
}

function propertiesOf(told: readonly (readonly [string, string | undefined])[]): Models.PropertyRepository {
  return new Models.PropertyRepository(
    told.flatMap(([key, value]) => (value === undefined ? [] : new Models.Property(key, value))),
  );
}

/** Something that was only there for the build. */
function sourceOf({ name, url, digest, tree }: FoundSource, bomRef: string): Models.Component {
  const isPackage = url.startsWith('pkg:');
  const references = isPackage ? [] : [new Models.ExternalReference(url, ExternalReferenceType.Distribution)];
  return new Models.Component(ComponentType.File, name, {
    bomRef,
    scope: ComponentScope.Excluded,
    properties: propertiesOf([['portkit:tree', tree]]),
    hashes: hashes(digest),
    externalReferences: new Models.ExternalReferenceRepository(references),
    ...(isPackage && { purl: url }),
  });
}

/** A digest as a table of hashes; a commit of a git repository is a SHA-1. */
function hashes(digest: string | undefined): Models.HashDictionary {
  const [, algorithm = '', value = ''] = /^(?:(sha256|sha512):)?([0-9a-f]{40,128})$/.exec(digest ?? '') ?? [];
  const found = new Models.HashDictionary();
  if (algorithm === 'sha256') found.set(HashAlgorithm['SHA-256'], value);
  else if (algorithm === 'sha512') found.set(HashAlgorithm['SHA-512'], value);
  else if (value.length === 40) found.set(HashAlgorithm['SHA-1'], value);
  return found;
}
