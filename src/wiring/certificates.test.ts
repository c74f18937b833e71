import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { PortkitError } from '../base/errors.ts';
import { certificatesOf } from './certificates.ts';

const folder = mkdtempSync(join(tmpdir(), 'portkit-certificates-'));
const at = (name: string): string => join(folder, name);
const missing = makeCertificates();
afterAll(() => rmSync(folder, { recursive: true }));

/** Why there are no certificates, or undefined. */
function makeCertificates(): string | undefined {
  writeFileSync(at('garbage'), 'garbage');
  writeFileSync(at('broken'), '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n');
  try {
    for (const name of ['one', 'two']) {
      const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', at(`${name}.key`)];
      execFileSync('openssl', ['req', '-x509', ...key, '-out', at(`${name}.pem`), '-days', '3', '-subj', `/CN=${name}`], {
        stdio: 'ignore',
      });
    }
    return undefined;
  } catch {
    return 'there is no openssl that makes certificates';
  }
}

/** What a variable with these files is refused with. */
function refusal(env: Readonly<Record<string, string>>): unknown {
  try {
    certificatesOf(env);
  } catch (error) {
    if (error instanceof PortkitError) return [error.code, error.message.includes(Object.keys(env)[0] ?? '')];
    throw error;
  }
  return undefined;
}

test.each(['garbage', 'broken', 'none'])('authorities in a file that is %s are not passed over', (name) => {
  expect(refusal({ PORTKIT_REGISTRY_CA: at(name) })).toEqual(['PK1004', true]);
});

if (missing !== undefined) test('certificates', ({ skip }) => skip(missing));
describe.skipIf(missing !== undefined)('certificates', () => {
  test.each([
    ['garbage', 'one.key'],
    ['one.pem', 'garbage'],
    ['one.pem', 'two.key'],
    ['one.key', 'one.pem'],
    ['none', 'one.key'],
  ])('that cannot say who we are (%s, %s) are told before anybody is asked', (certificate, key) => {
    expect(refusal({ PORTKIT_REGISTRY_CLIENT_CERTS: `r.example=${at(certificate)},${at(key)}` })).toEqual(['PK1004', true]);
  });

  test('that can are read', () => {
    const env = {
      PORTKIT_REGISTRY_CA: at('one.pem'),
      PORTKIT_REGISTRY_CLIENT_CERTS: `R.example:5000=${at('one.pem')},${at('one.key')}; b.example=${at('two.pem')},${at('two.key')}`,
    };
    expect(certificatesOf(env)).toMatchObject({
      authorities: [expect.stringContaining('BEGIN CERTIFICATE')],
      clientCertificates: [{ host: 'r.example:5000' }, { host: 'b.example' }],
    });
  });
});
