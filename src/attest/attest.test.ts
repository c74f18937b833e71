import { createPublicKey, generateKeyPairSync, hash } from 'node:crypto';
import { bundleFromJSON } from '@sigstore/bundle';
import { toSignedEntity, Verifier } from '@sigstore/verify';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { codes, PortkitError } from '../base/errors.ts';
import type { OciDigest } from '../oci/model/digest.ts';
import { parseBundle } from './bundle.ts';
import { preAuthenticationEncoding } from './dsse.ts';
import { parsePublicKey, parseSigningKey } from './keys.ts';
import { encodeStatement, parseStatement, signPredicateType } from './statement.ts';
import { signStatement, verifyBundle } from './verify.ts';

const pems = {
  ed25519: generateKeyPairSync('ed25519', { privateKeyEncoding: pkcs8(), publicKeyEncoding: spki() }),
  'ECDSA P-256': generateKeyPairSync('ec', { namedCurve: 'P-256', privateKeyEncoding: pkcs8(), publicKeyEncoding: spki() }),
  'RSA 2048': generateKeyPairSync('rsa', { modulusLength: 2048, privateKeyEncoding: pkcs8(), publicKeyEncoding: spki() }),
};
const other = generateKeyPairSync('ec', { namedCurve: 'P-256', privateKeyEncoding: pkcs8(), publicKeyEncoding: spki() });
const subject: OciDigest = `sha256:${'ab'.repeat(32)}`;
const statement = { subjects: [{ name: 'image', digest: subject }], predicateType: signPredicateType, predicate: {} };

function pkcs8() {
  return { type: 'pkcs8', format: 'pem' } as const;
}

function spki() {
  return { type: 'spki', format: 'pem' } as const;
}

/** What Sigstore's own verifier says with one public key, no logs and no certificates. */
function judge(bundle: Uint8Array, pem: string): void {
  const trust = {
    certificateAuthorities: [],
    timestampAuthorities: [],
    tlogs: [],
    ctlogs: [],
    publicKey: () => ({ publicKey: createPublicKey(pem), validFor: () => true }),
  };
  const verifier = new Verifier(trust, { tlogThreshold: 0, ctlogThreshold: 0, timestampThreshold: 0 });
  verifier.verify(toSignedEntity(bundleFromJSON(JSON.parse(Buffer.from(bundle).toString()))));
}

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof PortkitError) return error.code;
    throw error;
  }
  return 'nothing';
}

type Mutable = { mediaType: string; dsseEnvelope: { payload: string; payloadType: string; signatures: { sig: string }[] } };

function changed(bundle: Uint8Array, change: (json: Mutable) => void): Uint8Array {
  const json: Mutable = JSON.parse(Buffer.from(bundle).toString());
  change(json);
  return Buffer.from(JSON.stringify(json));
}

function flipped(base64: string, at: number): string {
  const bytes = Buffer.from(base64, 'base64');
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  return bytes.toString('base64');
}

describe.each(Object.entries(pems))('%s', (_, { privateKey, publicKey }) => {
  const key = parsePublicKey(publicKey);
  const bundle = signStatement(statement, parseSigningKey(Buffer.from(privateKey)));

  test('what we sign holds for Sigstore and for us', () => {
    judge(bundle, publicKey);
    expect(verifyBundle(bundle, { key, subject, predicateTypes: [signPredicateType] })).toEqual(statement);
  });

  const tampered: Readonly<Record<string, (json: Mutable) => void>> = {
    'a bit of the payload': (json) => (json.dsseEnvelope.payload = flipped(json.dsseEnvelope.payload, 20)),
    'another subject': (json) => {
      const about = { ...statement, subjects: [{ digest: `sha256:${'cd'.repeat(32)}` as const }] };
      json.dsseEnvelope.payload = Buffer.from(encodeStatement(about)).toString('base64');
    },
    'another predicate type': (json) => {
      const kind = encodeStatement({ ...statement, predicateType: 'https://slsa.dev/provenance/v1' });
      json.dsseEnvelope.payload = Buffer.from(kind).toString('base64');
    },
    'another payload type': (json) => (json.dsseEnvelope.payloadType = 'application/json'),
    'a bit of the signature': (json) => {
      for (const one of json.dsseEnvelope.signatures) one.sig = flipped(one.sig, 30);
    },
    'no signature': (json) => (json.dsseEnvelope.signatures = []),
    'an empty signature': (json) => (json.dsseEnvelope.signatures = [{ sig: '' }]),
    'two signatures': (json) => json.dsseEnvelope.signatures.push(...json.dsseEnvelope.signatures),
  };
  test.each(Object.keys(tampered))('%s is refused by Sigstore and by us, as a failed verification', (how) => {
    const bytes = changed(bundle, tampered[how] ?? (() => undefined));
    expect(() => judge(bytes, publicKey)).toThrow(/signature verification failed|invalid bundle/);
    const code = codeOf(() => verifyBundle(bytes, { key, subject }));
    expect(['PK4151', 'PK4152']).toContain(code);
    expect(code === 'PK4151' ? codes.PK4151.exit : codes.PK4152.exit).toBe(7);
  });

  test('another key did not sign it', () => {
    expect(() => judge(bundle, other.publicKey)).toThrow('signature verification failed');
    expect(codeOf(() => verifyBundle(bundle, { key: parsePublicKey(other.publicKey), subject }))).toBe('PK4152');
  });

  test('a bundle about something else, or of another kind than is asked for, is refused', () => {
    expect(codeOf(() => verifyBundle(bundle, { key, subject: `sha256:${'cd'.repeat(32)}` }))).toBe('PK4152');
    expect(codeOf(() => verifyBundle(bundle, { key, subject, predicateTypes: ['https://spdx.dev/Document'] }))).toBe('PK4152');
  });
});

test('the same statement is the same bundle with a key of Ed25519 or RSA', () => {
  for (const { privateKey } of [pems.ed25519, pems['RSA 2048']]) {
    const key = parseSigningKey(Buffer.from(privateKey));
    expect(signStatement(statement, key)).toEqual(signStatement(statement, key));
  }
});

test('a bundle names its key as cosign does, and any bundle of ours is one text', () => {
  const { privateKey, publicKey } = pems.ed25519;
  const text = Buffer.from(signStatement(statement, parseSigningKey(Buffer.from(privateKey)))).toString();
  const { hint } = JSON.parse(text).verificationMaterial.publicKey;
  const der = createPublicKey(publicKey).export({ type: 'spki', format: 'der' });
  expect(hint).toBe(Buffer.from(new Uint8Array(digest(der))).toString('base64'));
});

function digest(bytes: Uint8Array): Uint8Array {
  return hash('sha256', bytes, 'buffer');
}

test('the pre-authentication encoding is the one of the DSSE specification', () => {
  const bytes = preAuthenticationEncoding('http://example.com/HelloWorld', Buffer.from('hello world'));
  expect(Buffer.from(bytes).toString()).toBe('DSSEv1 29 http://example.com/HelloWorld 11 hello world');
});

describe('keys', () => {
  const encrypted = generateKeyPairSync('ed25519', {
    privateKeyEncoding: { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'correct horse' },
    publicKeyEncoding: spki(),
  });

  test('an encrypted key opens with its passphrase and no other', () => {
    const pem = Buffer.from(encrypted.privateKey);
    const key = parseSigningKey(pem, Buffer.from('correct horse'));
    expect(key.publicKey.id).toBe(parsePublicKey(encrypted.publicKey).id);
    expect(codeOf(() => parseSigningKey(pem, Buffer.from('wrong')))).toBe('PK4150');
    expect(codeOf(() => parseSigningKey(pem))).toBe('PK4150');
  });

  test.each([
    [
      'P-384',
      generateKeyPairSync('ec', { namedCurve: 'P-384', privateKeyEncoding: pkcs8(), publicKeyEncoding: spki() }).privateKey,
    ],
    [
      'RSA 1024',
      generateKeyPairSync('rsa', { modulusLength: 1024, privateKeyEncoding: pkcs8(), publicKeyEncoding: spki() }).privateKey,
    ],
    ['a key of cosign', '-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED SIGSTORE PRIVATE KEY-----\n'],
    ['a damaged key', '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n'],
    ['a public key', pems.ed25519.publicKey],
    ['no key', 'hunter2'],
  ])('%s does not sign', (_, pem) => {
    expect(codeOf(() => parseSigningKey(Buffer.from(pem)))).toBe('PK4150');
  });

  test.each([
    ['a private key', pems.ed25519.privateKey],
    ['no key', 'hunter2'],
    ['a damaged key', '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n'],
  ])('%s is no public key', (_, pem) => {
    expect(codeOf(() => parsePublicKey(pem))).toBe('PK4150');
  });

  test('no error has anything of the key or the passphrase in it', () => {
    const body = encrypted.privateKey.split('\n')[1] ?? '';
    const damaged = Buffer.from(encrypted.privateKey.replace(body, `${body.slice(0, -4)}AAAA`));
    for (const pem of [damaged, Buffer.from(encrypted.privateKey)]) {
      try {
        parseSigningKey(pem, Buffer.from('hunter2'));
        expect.unreachable();
      } catch (error) {
        const shown = `${String(error)} ${JSON.stringify(error)} ${String(error instanceof Error && error.cause)}`;
        expect(shown).not.toContain('hunter2');
        expect(shown).not.toContain(body.slice(0, 16));
      }
    }
  });
});

describe('statements that could mislead are refused', () => {
  const good = `{"_type":"https://in-toto.io/Statement/v1","predicateType":"a","subject":[{"digest":{"sha256":"${'ab'.repeat(32)}"}}]}`;

  test('the good one is read; algorithms that are not known are passed over', () => {
    expect(parseStatement(Buffer.from(good)).subjects).toEqual([{ digest: subject }]);
    const more = good.replace('"sha256"', '"gitCommit":"abc","sha256"');
    expect(parseStatement(Buffer.from(more)).subjects).toEqual([{ digest: subject }]);
  });

  test.each([
    ['no JSON', 'x'],
    ['a list', '[]'],
    ['a key twice', good.replace('{', '{"predicateType":"b",')],
    ['an unknown version', good.replace('Statement/v1', 'Statement/v9')],
    ['no subject', good.replace(/\[.*\]/, '[]')],
    ['a subject without a digest', good.replace(/\[.*\]/, '[{"name":"x"}]')],
    ['a digest that is none', good.replace('abab', 'ABAB')],
    ['no predicate type', good.replace('"a"', '""')],
    ['a name that is no text', good.replace('{"digest"', '{"name":1,"digest"')],
  ])('%s', (_, text) => {
    expect(codeOf(() => parseStatement(Buffer.from(text)))).toBe('PK4151');
  });
});

describe('whatever is read', () => {
  const bundle = Buffer.from(signStatement(statement, parseSigningKey(Buffer.from(pems.ed25519.privateKey))));
  const payload = Buffer.from(encodeStatement(statement));
  const damage = fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { minLength: 1, maxLength: 4 });

  test.each([
    ['a bundle', bundle, parseBundle],
    ['a statement', payload, parseStatement],
  ])('%s is understood, or refused in our words', (_, good, parse) => {
    let refused = 0;
    fc.assert(
      fc.property(damage, fc.nat(), (changes, cut) => {
        const bytes = Buffer.from(good.subarray(0, cut % 3 === 0 ? cut % good.length : undefined));
        for (const [at, value] of changes) if (bytes.length > 0) bytes[at % bytes.length] = value;
        if (codeOf(() => parse(bytes)) === 'PK4151') refused += 1;
      }),
      { numRuns: 500 },
    );
    expect(refused).toBeGreaterThan(100);
  });

  test('a damaged bundle is never believed, unless what is signed is the same', () => {
    const key = parsePublicKey(pems.ed25519.publicKey);
    fc.assert(
      fc.property(damage, (changes) => {
        const bytes = Buffer.from(bundle);
        for (const [at, value] of changes) bytes[at % bytes.length] = value;
        const code = codeOf(() => expect(verifyBundle(bytes, { key, subject })).toEqual(statement));
        expect(['nothing', 'PK4151', 'PK4152']).toContain(code);
      }),
      { numRuns: 500 },
    );
  });

  test.each([
    ['another version', (json: Mutable) => (json.mediaType = 'application/vnd.dev.sigstore.bundle.v0.9+json')],
    ['no envelope', (json: Mutable) => Reflect.deleteProperty(json, 'dsseEnvelope')],
    ['a payload in the other base64', (json: Mutable) => (json.dsseEnvelope.payload = `${json.dsseEnvelope.payload}\n`)],
  ])('%s is refused', (_, change) => {
    expect(codeOf(() => parseBundle(changed(bundle, change)))).toBe('PK4151');
  });

  test('a bundle with a key twice is refused', () => {
    const twice = bundle.toString().replace('"payloadType"', '"payload":"AAAA","payloadType"');
    expect(codeOf(() => parseBundle(Buffer.from(twice)))).toBe('PK4151');
  });
});
