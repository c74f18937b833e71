import { spawnSync } from 'node:child_process';
import { generateKeyPairSync, hash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { parsePublicKey, parseSigningKey } from '../../src/attest/keys.ts';
import { provenanceType } from '../../src/attest/slsa.ts';
import { signPredicateType } from '../../src/attest/statement.ts';
import { signStatement, verifyBundle } from '../../src/attest/verify.ts';
import type { OciDigest } from '../../src/oci/model/digest.ts';

const folder = mkdtempSync(join(tmpdir(), 'portkit-cosign-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function cosign(...args: readonly string[]): { readonly status: number | null; readonly text: string } {
  const env = { PATH: process.env['PATH'] ?? '', HOME: folder, COSIGN_PASSWORD: '' };
  const { status, stdout, stderr } = spawnSync('cosign', args, { cwd: folder, env, encoding: 'utf8' });
  return { status, text: `${stdout}${stderr}` };
}

const isThere = cosign('version').status === 0;
beforeEach((context) =>
  context.skip(!isThere, 'cosign is not on the PATH: go install github.com/sigstore/cosign/v3/cmd/cosign@latest'),
);

type Generate = () => { readonly privateKey: string; readonly publicKey: string };

const privateKeyEncoding = { type: 'pkcs8', format: 'pem' } as const;
const publicKeyEncoding = { type: 'spki', format: 'pem' } as const;
const ed25519 = (): ReturnType<Generate> => generateKeyPairSync('ed25519', { privateKeyEncoding, publicKeyEncoding });
const others: readonly (readonly [string, Generate])[] = [
  ['ECDSA P-256', () => generateKeyPairSync('ec', { namedCurve: 'P-256', privateKeyEncoding, publicKeyEncoding })],
  ['RSA 3072', () => generateKeyPairSync('rsa', { modulusLength: 3072, privateKeyEncoding, publicKeyEncoding })],
];
const content = Buffer.from('what is signed\n');
const subject: OciDigest = `sha256:${hash('sha256', content)}`;

function judged(keyFile: string, type: string): { readonly status: number | null; readonly text: string } {
  return cosign(
    'verify-blob-attestation',
    '--key',
    keyFile,
    '--bundle',
    'bundle',
    '--insecure-ignore-tlog',
    '--type',
    type,
    'blob',
  );
}

describe.each([['ed25519', ed25519], ...others] as const)('%s', (_, generate) => {
  test.each([provenanceType, signPredicateType])('cosign believes a %s that we signed, and not with another key', (type) => {
    const { privateKey, publicKey } = generate();
    writeFileSync(join(folder, 'blob'), content);
    writeFileSync(join(folder, 'key.pub'), publicKey);
    writeFileSync(join(folder, 'other.pub'), generate().publicKey);
    const statement = { subjects: [{ name: 'blob', digest: subject }], predicateType: type, predicate: {} };
    writeFileSync(join(folder, 'bundle'), signStatement(statement, parseSigningKey(Buffer.from(privateKey))));
    expect(judged('key.pub', type)).toMatchObject({ status: 0 });
    expect(judged('other.pub', type).status).not.toBe(0);
    expect(judged('key.pub', 'https://example.com/other').status).not.toBe(0);
  });
});

/** Not Ed25519: cosign 3.1 signs statements with Ed25519ph, and then does not believe itself. */
describe.each(others)('%s', (_, generate) => {
  test('we believe what cosign signed, with its own copy of the key', () => {
    const { privateKey, publicKey } = generate();
    writeFileSync(join(folder, 'blob'), content);
    writeFileSync(join(folder, 'key.pem'), privateKey);
    writeFileSync(join(folder, 'predicate'), '{}');
    expect(cosign('import-key-pair', '--key', 'key.pem', '--output-key-prefix', 'own', '--yes').text).toContain('own.pub');
    const made = cosign(
      'attest-blob',
      '--key',
      'own.key',
      '--bundle',
      'bundle',
      '--predicate',
      'predicate',
      '--type',
      provenanceType,
      '--use-signing-config=false',
      '--tlog-upload=false',
      '--yes',
      'blob',
    );
    expect(made).toMatchObject({ status: 0 });
    const bundle = readFileSync(join(folder, 'bundle'));
    expect(verifyBundle(bundle, { key: parsePublicKey(publicKey), subject, predicateTypes: [provenanceType] }).predicate).toEqual(
      {},
    );
    const other = parsePublicKey(generate().publicKey);
    expect(() => verifyBundle(bundle, { key: other, subject })).toThrow('did not sign it');
    rmSync(join(folder, 'own.key'));
    rmSync(join(folder, 'own.pub'));
  });
});
