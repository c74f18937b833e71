import { tmpdir } from 'node:os';
import { createPublicKey, createPrivateKey } from 'node:crypto';
import { attachedTo } from '../../src/attest/attached.ts';
import { byteString } from '../../src/base/byte-string.ts';
import { digestOf } from '../../src/base/digest.ts';
import type { Ref } from '../../src/base/ref.ts';
import type { ProvenanceSpec, StepRecord } from '../../src/graph/attest-ops.ts';
import type { OciSpec, SbomSpec } from '../../src/graph/postprocess-ops.ts';
import { treeSource } from '../../src/oci/layout/tree.ts';
import { archiveOp } from '../../src/ops/archive.ts';
import { compressOp } from '../../src/ops/compress.ts';
import { verityOp } from '../../src/ops/verity.ts';
import { subjectsOf } from '../../src/postprocessors/attestations.ts';
import { ociOp } from '../../src/postprocessors/oci.ts';
import { provenanceOp } from '../../src/postprocessors/provenance.ts';
import { rewriteTimestampsOp } from '../../src/postprocessors/rewrite-timestamps.ts';
import { sbomOp } from '../../src/postprocessors/sbom.ts';
import { signOp } from '../../src/postprocessors/sign.ts';
import { makeVmlinux } from '../kernels/samples.ts';
import { selectItem } from '../../src/store/trees/select.ts';
import { blob, createWorld, output, signal, tree } from '../ops/world.ts';

/** The key of RFC 8032, section 7.1, test 1, as PKCS #8. */
const key = createPrivateKey({
  key: Buffer.from('302e020100300506032b6570042204209d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60', 'hex'),
  format: 'der',
  type: 'pkcs8',
});

/** Its public half, for those who verify. */
export const publicKey = createPublicKey(key);

/** A store in memory, and all that postprocessors are lent. */
export function lendWorld() {
  return {
    ...createWorld(),
    version: '1.2.3',
    architecture: 'amd64',
    pin: { get: (name: string) => (name === 'deb:zlib1g:amd64' ? digestOf('zlib') : undefined) },
    toolDigest: (tool: string) => Promise.resolve(digestOf(tool)),
    secrets: () => Buffer.from(key.export({ format: 'pem', type: 'pkcs8' })),
  };
}

/** What the forms are made with. */
export type World = ReturnType<typeof lendWorld>;

/** The tree that everything is made of. */
function rootTree(world: World): Promise<Ref> {
  return tree(world, {
    'var/lib/dpkg/status': 'Package: bash\nStatus: install ok installed\nArchitecture: amd64\nVersion: 5.2.15-2+b7\n',
    'etc/os-release': 'NAME="Debian"\nID=debian\nVERSION_ID="12"\n',
    'etc/new': { file: 'later', mtime: { seconds: 2_000_000_000, nanos: 7 } },
    'etc/motd': 'caffè ☕\n',
    bin: { symlink: 'usr/bin' },
    'usr/bin/sh': { file: '#!', mode: 0o4755 },
    'usr/bin/bash': { hardlink: 'usr/bin/sh' },
  });
}

const artifactType = 'application/vnd.example.image.v1+json';

/** An artifact of a kernel and the tree, as `oci` packs it. */
export async function packed(world: World, spec: Partial<OciSpec> = {}, compress?: 'gzip' | 'zstd'): Promise<Ref> {
  const layers = [
    { from: 0, name: 'boot/vmlinux' },
    { from: 1, name: 'root.tar', ...(compress && { compress }) },
  ];
  const inputs = [await blob(world, 'a kernel'), await rootTree(world)];
  return output(ociOp({ type: 'oci', artifactType, variants: [{ layers }], ...spec }, world), ...inputs);
}

/** The same for two architectures, under one index. */
export function twoVariants(world: World): Promise<Ref> {
  const variants = ['amd64', 'arm64'].map((architecture) => ({
    layers: [
      { from: 0, name: 'vmlinux' },
      { from: 1, name: 'root.tar' },
    ],
    platform: { os: 'linux', architecture },
    annotations: { 'dev.portkit.substrate': 'firecracker', 'dev.portkit.protection-mode': 'standard' },
    config: JSON.stringify({ architecture }),
  }));
  return packed(world, { variants, tag: 'v1', annotations: { 'org.opencontainers.image.title': 'demo' } });
}

/** A tree that says itself which artifact it is. */
export async function selfDescribed(world: World): Promise<Ref> {
  const files = await tree(world, {
    'containerimage.artifact': 'true',
    'containerimage.artifact.type': 'application/vnd.cncf.model.manifest.v1+json',
    'containerimage.artifact.config.mediatype': 'application/vnd.cncf.model.config.v1+json',
    'containerimage.artifact.layers': '[{"path":"weights/model.bin","annotations":{"b":"2","a":"1"}},{"path":"docs"}]',
    'weights/model.bin': 'weights',
    'docs/README': 'read',
  });
  return output(ociOp({ type: 'oci', variants: [{ layers: [], from: 0 }] }, world), files);
}

/** A bill of materials of the tree and a kernel: by itself, or beside a layout. */
export async function billed(world: World, format: SbomSpec['format'], layout?: Ref): Promise<Ref> {
  const sources = [{ name: 'linux.tar.xz', url: 'https://example.org/linux.tar.xz', digest: `sha256:${'1'.repeat(64)}` }];
  const inputs = [await rootTree(world), await blob(world, makeVmlinux({ pvh: 1 })), ...(layout ? [layout] : [])];
  const spec = { type: 'sbom', format, names: ['root', 'vmlinux'], name: 'demo', sources } as const;
  return output(sbomOp({ ...spec, ...(layout && { attach: 2 }) }, { ...world, scratch: tmpdir }), ...inputs);
}

const steps: readonly StepRecord[] = [
  {
    name: 'tarball',
    kind: 'fetch',
    inputs: [],
    parameters: { url: 'https://user:secret@example.com/a.tar', z: 1, a: [true, null] },
    source: { uri: 'https://user:secret@example.com/a.tar', digest: { sha512: 'd'.repeat(128) } },
  },
  { name: 'packages', kind: 'deb', inputs: [], parameters: {}, source: { packages: [{ name: 'zlib1g' }] } },
  { name: 'image', kind: 'exec', inputs: ['tarball', 'packages'], parameters: { argv: ['make'] }, tools: ['make'] },
];

/** How a result was made, as a statement. */
export function told(world: World, subject: Ref, mode: 'min' | 'max'): Promise<Ref> {
  return tell(world, subject, { mode });
}

/** How a layout was made, beside its manifests. */
export function toldBeside(world: World, layout: Ref, mode: 'min' | 'max'): Promise<Ref> {
  return tell(world, layout, { mode, attach: true });
}

async function tell(world: World, subject: Ref, how: Pick<ProvenanceSpec, 'mode' | 'attach'>): Promise<Ref> {
  const op = provenanceOp({ type: 'provenance', steps, time: 1_700_000_000, ...how }, world);
  return output(op, subject, await blob(world, 'tarball'), await blob(world, 'packages'), subject);
}

/** A layout with signatures. */
export function signed(world: World, layout: Ref): Promise<Ref> {
  return output(signOp({ type: 'sign', key: 'key' }, world), layout);
}

/** The Sigstore bundle that stands beside the manifest of a signed layout. */
export async function bundleOf(world: World, layout: Ref): Promise<Uint8Array> {
  const [main] = await subjectsOf(layout.digest, { blobs: world.blobs, signal });
  const attached = main && (await attachedTo(treeSource(layout.digest, world.blobs), main, signal));
  const [bundle] = attached?.filter(({ form }) => form === 'bundle') ?? [];
  if (bundle === undefined) throw new Error('Nothing is signed');
  return bundle.content;
}

/** A blob as `convert` makes it smaller. */
export async function converted(world: World, format: 'gzip' | 'zstd'): Promise<Ref> {
  return output(compressOp({ type: 'compress', format }, world), await blob(world, 'an image '.repeat(200_000)));
}

/** The tree as a tar in which nothing is later than 2001. */
export async function cutInTime(world: World): Promise<Ref> {
  const cut = await output(
    rewriteTimestampsOp({ type: 'rewriteTimestamps', latest: 1_000_000_000 }, world),
    await rootTree(world),
  );
  return output(archiveOp({ type: 'archive', format: 'tar' }, world), cut);
}

/** The dm-verity tree of an image, or another form of it. */
export async function hashed(world: World, form: 'tree' | 'image' | 'root-hash'): Promise<Ref> {
  const image = Buffer.alloc(300 * 4096, 'every block of it ');
  return output(verityOp({ type: 'verity', output: form }, world), await blob(world, image));
}

/** The digest of the `index.json` of a layout, which leads to everything in it. */
export async function indexDigest(world: World, layout: Ref): Promise<string> {
  const item = await selectItem(layout.digest, byteString('index.json'), { blobs: world.blobs, signal });
  if (item?.type !== 'file') throw new Error('This is no layout');
  return item.content;
}
