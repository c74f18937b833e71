/** The media types that have a meaning here (OCI image-spec, media-types.md; Docker's of the same form). */
export const mediaTypes = {
  index: 'application/vnd.oci.image.index.v1+json',
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  imageConfig: 'application/vnd.oci.image.config.v1+json',
  empty: 'application/vnd.oci.empty.v1+json',
  layerTar: 'application/vnd.oci.image.layer.v1.tar',
  layerGzip: 'application/vnd.oci.image.layer.v1.tar+gzip',
  layerZstd: 'application/vnd.oci.image.layer.v1.tar+zstd',
  dockerIndex: 'application/vnd.docker.distribution.manifest.list.v2+json',
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
  dockerConfig: 'application/vnd.docker.container.image.v1+json',
} as const;

/** What a registry must be told when a manifest is asked for: some answer 404 without it. */
export const acceptedManifests: string = [
  mediaTypes.manifest,
  mediaTypes.index,
  mediaTypes.dockerManifest,
  mediaTypes.dockerIndex,
].join(', ');

/** The layers that registries need not have, because their licence forbids it; they are not copied. */
const elsewhere: ReadonlySet<string> = new Set([
  'application/vnd.oci.image.layer.nondistributable.v1.tar',
  'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip',
  'application/vnd.oci.image.layer.nondistributable.v1.tar+zstd',
  'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip',
]);

const form = /^[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}\/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}$/;

/** Whether text is a media type: two restricted names (RFC 6838 §4.2), no parameters. */
export function isMediaType(text: string): boolean {
  return form.test(text);
}

/** What a descriptor of this media type points to: a document that names others, or bytes. */
export function kindOf(mediaType: string): 'index' | 'manifest' | 'blob' {
  if (mediaType === mediaTypes.index || mediaType === mediaTypes.dockerIndex) return 'index';
  if (mediaType === mediaTypes.manifest || mediaType === mediaTypes.dockerManifest) return 'manifest';
  return 'blob';
}

/** Whether the blob is expected to be where its manifest is. */
export function isDistributable(mediaType: string): boolean {
  return !elsewhere.has(mediaType);
}
