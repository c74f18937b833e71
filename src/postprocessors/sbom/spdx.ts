import { digestOf } from '../../base/digest.ts';
import type { Inventory, Subject } from './inventory.ts';
import { hashOf, purlOf } from './inventory.ts';

interface SpdxPackage {
  readonly SPDXID: string;
  readonly name: string;
  readonly [field: string]: unknown;
}

interface Relationship {
  readonly spdxElementId: string;
  readonly relationshipType: string;
  readonly relatedSpdxElement: string;
}

/**
 * The inventory as SPDX 2.3. A document must say when it was made and have a namespace of its own: the time is the beginning
 * of 1970, and the namespace is derived from what the document says.
 */
export function spdxDocument(inventory: Inventory): string {
  const root = packageOf('SPDXRef-root', inventory.name, checksums(inventory.manifest));
  const packages: SpdxPackage[] = [root];
  const relationships: Relationship[] = [
    { spdxElementId: 'SPDXRef-DOCUMENT', relationshipType: 'DESCRIBES', relatedSpdxElement: root.SPDXID },
  ];
  function add(one: SpdxPackage, relationshipType: string, holder: SpdxPackage): SpdxPackage {
    packages.push(one);
    relationships.push({ spdxElementId: holder.SPDXID, relationshipType, relatedSpdxElement: one.SPDXID });
    return one;
  }
  for (const [at, subject] of inventory.subjects.entries()) {
    const hash = checksums(subject.kind === 'blob' ? subject.digest : undefined);
    const comment = subject.unread.length === 0 ? {} : { comment: `Not looked into: ${subject.unread.join('; ')}` };
    const holder = add(packageOf(`SPDXRef-input-${at + 1}`, subject.name, { ...hash, ...comment }), 'CONTAINS', root);
    for (const one of inside(subject, at + 1)) add(one, 'CONTAINS', holder);
  }
  for (const [at, { name, url, digest, tree }] of inventory.sources.entries()) {
    const fields = {
      downloadLocation: /^[a-z][a-z0-9+.-]*:\/\//i.test(url) ? url : 'NOASSERTION',
      ...checksums(digest),
      ...purl(url),
      ...(tree !== undefined && { comment: `tree ${tree}` }),
    };
    add(packageOf(`SPDXRef-source-${at + 1}`, name, fields), 'GENERATED_FROM', root);
  }
  const content = { packages, relationships };
  return `${JSON.stringify({
    spdxVersion: 'SPDX-2.3',
    dataLicense: 'CC0-1.0',
    SPDXID: 'SPDXRef-DOCUMENT',
    name: inventory.name,
    documentNamespace: `https://spdx.org/spdxdocs/portkit-${digestOf(JSON.stringify(content)).slice('sha256:'.length)}`,
    creationInfo: { created: '1970-01-01T00:00:00Z', creators: ['Tool: portkit'] },
    ...content,
  })}\n`;
}

function* inside({ packages, kernels, programs, system }: Subject, position: number): Generator<SpdxPackage> {
  for (const [at, one] of packages.entries()) {
    yield packageOf(`SPDXRef-input-${position}-package-${at + 1}`, one.name, {
      versionInfo: one.version,
      ...(one.license !== undefined && { licenseComments: `The package says: ${one.license}` }),
      ...purl(purlOf(one, system)),
    });
  }
  for (const [at, { release, digest, config, path, architecture }] of kernels.entries()) {
    const facts = { path, architecture, configuration: config };
    const told = Object.entries(facts).flatMap(([key, value]) => (value === undefined ? [] : `${key} ${value}`));
    yield packageOf(`SPDXRef-input-${position}-kernel-${at + 1}`, 'linux', {
      ...(release !== undefined && { versionInfo: release }),
      ...checksums(digest),
      ...(told.length > 0 && { comment: told.join(', ') }),
    });
  }
  for (const [at, { name, path, digest }] of programs.entries())
    yield packageOf(`SPDXRef-input-${position}-program-${at + 1}`, name, { ...checksums(digest), comment: `path ${path}` });
}

function packageOf(id: string, name: string, fields: object): SpdxPackage {
  return {
    SPDXID: id,
    name,
    downloadLocation: 'NOASSERTION',
    filesAnalyzed: false,
    licenseConcluded: 'NOASSERTION',
    licenseDeclared: 'NOASSERTION',
    copyrightText: 'NOASSERTION',
    ...fields,
  };
}

function checksums(digest: string | undefined): object {
  const hash = hashOf(digest);
  return hash === undefined ? {} : { checksums: [{ algorithm: `SHA${hash.bits}`, checksumValue: hash.value }] };
}

function purl(locator: string): object {
  if (!locator.startsWith('pkg:')) return {};
  return { externalRefs: [{ referenceCategory: 'PACKAGE-MANAGER', referenceType: 'purl', referenceLocator: locator }] };
}
