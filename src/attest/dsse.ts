/** A payload with one signature over its pre-authentication encoding (secure-systems-lab/dsse, envelope.md). */
export interface Envelope {
  readonly payloadType: string;
  readonly payload: Uint8Array;
  readonly signature: Uint8Array;
}

/** What a signature is made over: the type and the payload, each with its length, so that neither can be read as the other. */
export function preAuthenticationEncoding(payloadType: string, payload: Uint8Array): Uint8Array {
  const type = Buffer.from(payloadType, 'utf8');
  return Buffer.concat([Buffer.from(`DSSEv1 ${type.length} `), type, Buffer.from(` ${payload.length} `), payload]);
}

/** What can sign bytes. */
export interface Signer {
  sign(bytes: Uint8Array): Uint8Array;
}

/** A payload, signed. */
export function signEnvelope(content: Omit<Envelope, 'signature'>, signer: Signer): Envelope {
  return { ...content, signature: signer.sign(preAuthenticationEncoding(content.payloadType, content.payload)) };
}
