import { canonicalJson } from '../base/canonical.ts';
import type { Envelope } from './dsse.ts';
import { bytesOf, fieldsOf, listOf, malformed, textOf } from './json.ts';
import { jsonOf } from './statement.ts';

/** The media type of a bundle and, as `artifactType`, of the manifest that carries it. */
export const bundleType = 'application/vnd.dev.sigstore.bundle.v0.3+json';

/** What a bundle is to us: a signed envelope, and which key is said to have signed it. */
export interface Bundle {
  readonly envelope: Envelope;
  /** Undefined when a certificate stands there instead. It is not signed: nothing may be decided by it. */
  readonly keyId: string | undefined;
}

/** The one text of a bundle (sigstore/protobuf-specs, `sigstore_bundle.proto`, as JSON): no log entries, no time stamps. */
export function encodeBundle({ envelope: { payload, payloadType, signature }, keyId }: Bundle & { keyId: string }): Uint8Array {
  return Buffer.from(
    canonicalJson({
      mediaType: bundleType,
      verificationMaterial: { publicKey: { hint: keyId } },
      dsseEnvelope: { payload: base64(payload), payloadType, signatures: [{ sig: base64(signature) }] },
    }),
  );
}

/** A bundle from its bytes; PK4151 unless it holds an envelope with exactly one signature. */
export function parseBundle(bytes: Uint8Array): Bundle {
  const fields = fieldsOf(jsonOf(bytes, 'The bundle'), 'The bundle');
  if (textOf(fields['mediaType'], 'Its mediaType') !== bundleType) throw malformed('it is no Sigstore bundle of version 0.3');
  const { publicKey } = fieldsOf(fields['verificationMaterial'], 'Its verificationMaterial');
  if (fields['dsseEnvelope'] === undefined) throw malformed('its signature is over no envelope');
  const envelope = fieldsOf(fields['dsseEnvelope'], 'Its dsseEnvelope');
  const [signature, ...more] = listOf(envelope['signatures'], 'Its signatures');
  if (signature === undefined || more.length > 0) throw malformed('it has not exactly one signature');
  return {
    keyId: publicKey === undefined ? undefined : textOf(fieldsOf(publicKey, 'Its publicKey')['hint'] ?? '', 'Its hint'),
    envelope: {
      payloadType: textOf(envelope['payloadType'], 'Its payloadType'),
      payload: bytesOf(envelope['payload'], 'Its payload'),
      signature: bytesOf(fieldsOf(signature, 'Its signature')['sig'], 'Its signature'),
    },
  };
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}
