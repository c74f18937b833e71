import type { Digest } from '../../base/digest.ts';
import type { SbomSource } from '../../graph/postprocess-ops.ts';

/** A package that a database of a tree has as installed. */
export interface InstalledPackage {
  readonly manager: 'deb' | 'apk';
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  readonly license?: string;
}

/** The system that a tree is, as its os-release says. */
export interface OperatingSystem {
  readonly id: string;
  readonly version?: string;
}

/** A kernel, by what its file says. */
export interface KernelFound {
  readonly digest: Digest;
  /** Where in the tree; the input itself is one when there is no path. */
  readonly path?: string;
  /** `6.1.0-13-amd64`. */
  readonly release?: string;
  readonly architecture?: string;
  /** Of its configuration, sorted. */
  readonly config?: Digest;
}

/** A program that a guest is started with. */
export interface ProgramFound {
  readonly name: string;
  readonly path: string;
  readonly digest: Digest;
}

/** What is known of one input. */
export interface Subject {
  readonly name: string;
  /** A `part` is a partition of the disk that has the digest. */
  readonly kind: 'blob' | 'tree' | 'part';
  readonly digest: Digest;
  readonly system?: OperatingSystem;
  readonly packages: readonly InstalledPackage[];
  readonly kernels: readonly KernelFound[];
  readonly programs: readonly ProgramFound[];
  /** What could not be looked into, and why: there may be more in it than is told. */
  readonly unread: readonly string[];
}

/** Something from outside, or a tree of it by the digest of its root. */
export interface FoundSource extends SbomSource {
  readonly tree?: Digest;
}

/** Everything that a bill of materials tells of. */
export interface Inventory {
  readonly name: string;
  /** The manifest that it is attached to. */
  readonly manifest?: string;
  readonly subjects: readonly Subject[];
  readonly sources: readonly FoundSource[];
}

/** The package URL of a package (purl-spec); the system's name is its namespace. */
export function purlOf({ manager, name, version, architecture }: InstalledPackage, system: OperatingSystem | undefined): string {
  const { id, version: release } = system ?? { id: manager === 'deb' ? 'debian' : 'alpine' };
  const distro = release === undefined ? '' : `&distro=${encoded(`${id}-${release}`)}`;
  return `pkg:${manager}/${encoded(id)}/${encoded(name)}@${encoded(version)}?arch=${encoded(architecture)}${distro}`;
}

function encoded(text: string): string {
  return encodeURIComponent(text).replaceAll('%3A', ':');
}

/** What a digest says: SHA-256 or SHA-512 with their names, or the SHA-1 that the commit of a git repository is. */
export function hashOf(digest: string | undefined): { readonly bits: '1' | '256' | '512'; readonly value: string } | undefined {
  const [, named, value] = /^(?:sha(256|512):)?([0-9a-f]+)$/.exec(digest ?? '') ?? [];
  const bits = named === '256' || named === '512' ? named : '1';
  return value?.length === { 1: 40, 256: 64, 512: 128 }[bits] ? { bits, value } : undefined;
}
