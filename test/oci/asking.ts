import { createHash } from 'node:crypto';
import type { Descriptor } from '../../src/oci/model/descriptor.ts';
import type { BlobSource } from '../../src/oci/model/ports.ts';
import { Secret } from '../../src/oci/credentials/credential.ts';
import type { Credential } from '../../src/oci/credentials/credential.ts';
import { createRegistryClient } from '../../src/oci/registry/client.ts';
import type { RegistryRepository } from '../../src/oci/registry/repository.ts';
import type { RegistryOptions } from '../../src/oci/registry/client.ts';

/** A password that must never be seen anywhere but where it belongs. */
export const canary = 'canary-9f8e7d6c';
/** Who asks in tests. */
export const user: Credential = { kind: 'basic', username: 'me', password: new Secret(canary) };

/** Waits that took no time, in milliseconds. */
export function patientWorld() {
  const waits: number[] = [];
  const sleep = async (ms: number) => void waits.push(ms);
  return { waits, world: { now: () => new Date(0), random: () => 1, sleep } };
}

/** The repository `r` at a host, asked by a user who must not lose the canary. */
export function repositoryAt(host: string, options: Partial<RegistryOptions> = {}) {
  const client = createRegistryClient({ world: patientWorld().world, credentialFor: async () => user, ...options });
  const repository = client.repository({ registry: host, repository: 'r' }, { access: 'push' });
  return Object.assign(repository, { [Symbol.dispose]: () => client[Symbol.dispose]() });
}

/** Bytes as a blob. */
export function blobOf(bytes: Buffer, mediaType = 'application/octet-stream'): Descriptor {
  return { mediaType, digest: `sha256:${createHash('sha256').update(bytes).digest('hex')}`, size: bytes.length };
}

/** Bytes that come in pieces of 16 KiB and count how often they were opened. */
export function piecesOf(bytes: Buffer): BlobSource & { opened: number } {
  return {
    opened: 0,
    async *open(signal, offset = 0) {
      this.opened += 1;
      for (let at = offset; at < bytes.length; at += 16_384) {
        signal.throwIfAborted();
        yield bytes.subarray(at, at + 16_384);
      }
    },
  };
}

/** The error that work ends with, as text with everything that could be printed of it. */
export async function failureOf(work: Promise<unknown>): Promise<{ readonly code: unknown; readonly text: string }> {
  try {
    await work;
  } catch (error) {
    const { inspect } = await import('node:util');
    return { code: (error as { code?: unknown }).code, text: inspect(error, { depth: 20, showHidden: true, getters: true }) };
  }
  throw new Error('That should have failed');
}

/** The bytes of a blob from an offset on, as they are given piece by piece. */
export async function received(repository: RegistryRepository, descriptor: Descriptor, offset: number): Promise<Buffer> {
  const pieces: Buffer[] = [];
  const take = (piece: Uint8Array) => void pieces.push(Buffer.from(piece));
  await repository.receiveFrom(descriptor, { offset, take, signal: new AbortController().signal });
  return Buffer.concat(pieces);
}
