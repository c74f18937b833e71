import { createHash, createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { PortkitError } from '../base/errors.ts';
import type { Signer } from './dsse.ts';

/** What a signature is checked with. `id` is what Sigstore writes as a hint: the base64 of the SHA-256 of the SPKI. */
export interface PublicKey {
  readonly id: string;
  verify(bytes: Uint8Array, signature: Uint8Array): boolean;
}

/** A private key, with the public one that belongs to it. Nothing of the key itself can be had from it. */
export interface SigningKey extends Signer {
  readonly publicKey: PublicKey;
}

/**
 * A private key as PKCS#8 PEM. Nothing of the text is in an error, not even as a cause.
 * ECDSA signatures differ from one to the next; those of Ed25519 and RSA are always the same.
 */
export function parseSigningKey(pem: Uint8Array, passphrase?: Uint8Array): SigningKey {
  const text = Buffer.from(pem).toString('latin1');
  if (text.includes('BEGIN ENCRYPTED SIGSTORE') || text.includes('BEGIN ENCRYPTED COSIGN'))
    throw unusable('The signing key is in the form of cosign', 'Take a PKCS#8 key and give it to cosign with "import-key-pair"');
  const encrypted = text.includes('-----BEGIN ENCRYPTED PRIVATE KEY-----');
  if (!encrypted && !text.includes('-----BEGIN PRIVATE KEY-----'))
    throw unusable('The signing key is no PKCS#8 PEM', 'openssl pkcs8 -topk8 makes one of other keys');
  if (encrypted && passphrase === undefined)
    throw unusable('The signing key is encrypted and no passphrase was given', 'Name the secret that has it');
  const key = opened(() =>
    createPrivateKey({ key: text, ...(passphrase !== undefined && { passphrase: Buffer.from(passphrase) }) }),
  );
  if (key === undefined)
    throw unusable(encrypted ? 'The signing key cannot be opened with its passphrase' : 'The signing key is damaged');
  const digest = digestFor(key);
  return { publicKey: publicKeyOf(createPublicKey(key)), sign: (bytes) => sign(digest, bytes, key) };
}

/** A public key as PEM (SPKI). A private key in its place is refused, so that nobody gets used to it. */
export function parsePublicKey(pem: string): PublicKey {
  if (pem.includes('PRIVATE KEY-----'))
    throw unusable('A private key stands where a public key is meant', 'openssl pkey -pubout makes the public one of it');
  const key = pem.includes('-----BEGIN PUBLIC KEY-----') ? opened(() => createPublicKey(pem)) : undefined;
  if (key === undefined) throw unusable('This is no public key in PEM form', 'openssl pkey -pubout makes one of a private key');
  return publicKeyOf(key);
}

function publicKeyOf(key: KeyObject): PublicKey {
  const digest = digestFor(key);
  const id = createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest('base64');
  return { id, verify: (bytes, signature) => opened(() => verify(digest, bytes, key, signature)) === true };
}

/** Exactly the kinds that Sigstore's verifiers take without being told more: others would only be believed by us. */
function digestFor({ asymmetricKeyType: type, asymmetricKeyDetails: details }: KeyObject): 'sha256' | null {
  if (type === 'ed25519') return null;
  if (type === 'ec' && details?.namedCurve === 'prime256v1') return 'sha256';
  if (type === 'rsa' && [2048, 3072, 4096].includes(details?.modulusLength ?? 0)) return 'sha256';
  throw unusable(
    `Keys of this kind (${type ?? 'unknown'}) are not used`,
    'Use Ed25519, ECDSA P-256, or RSA of 2048, 3072 or 4096 bits',
  );
}

function opened<T>(open: () => T): T | undefined {
  try {
    return open();
  } catch {
    return undefined;
  }
}

function unusable(message: string, hint?: string): PortkitError {
  return new PortkitError('PK4150', message, hint === undefined ? {} : { hint });
}
