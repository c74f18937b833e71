import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { PortkitError } from '../base/errors.ts';
import { systemReason } from '../base/system-reason.ts';
import type { ConnectionOptions } from '../http/agents.ts';

type Certificates = Pick<ConnectionOptions, 'authorities' | 'clientCertificates'>;

/**
 * The certificates that the environment names: `PORTKIT_REGISTRY_CA`, a file of authorities that are trusted too, and
 * `PORTKIT_REGISTRY_CLIENT_CERTS`, `HOST[:PORT]=CERTIFICATE,KEY` with `;` between: who we are, for one host each.
 */
export function certificatesOf(env: Readonly<Record<string, string | undefined>>): Certificates {
  const authorities = env['PORTKIT_REGISTRY_CA'] ?? '';
  const own = (env['PORTKIT_REGISTRY_CLIENT_CERTS'] ?? '').split(';').filter((entry) => entry.trim() !== '');
  return {
    ...(authorities !== '' && { authorities: [authoritiesOf(authorities)] }),
    ...(own.length > 0 && { clientCertificates: own.map(clientCertificate) }),
  };
}

function clientCertificate(entry: string) {
  const [, host, certificate, key] = /^\s*([^=\s]+)=([^,]+),([^,]+?)\s*$/.exec(entry) ?? [];
  if (host === undefined || certificate === undefined || key === undefined) {
    throw new PortkitError('PK1004', 'PORTKIT_REGISTRY_CLIENT_CERTS is not understood', {
      hint: 'Its form is HOST[:PORT]=CERTIFICATE.pem,KEY.pem with ";" between several',
    });
  }
  const read = (path: string): string => readPem('PORTKIT_REGISTRY_CLIENT_CERTS', path);
  const own = { host: host.toLowerCase(), certificate: read(certificate), key: read(key) };
  try {
    process.getBuiltinModule('node:tls').createSecureContext({ cert: own.certificate, key: own.key });
  } catch (cause) {
    throw new PortkitError('PK1004', `${certificate} and ${key}, which PORTKIT_REGISTRY_CLIENT_CERTS names, cannot be used`, {
      hint: 'They are a certificate and its own key, in PEM form and without a passphrase',
      cause,
    });
  }
  return own;
}

/** A file without any certificate would be passed over in silence. */
function authoritiesOf(path: string): string {
  const pem = readPem('PORTKIT_REGISTRY_CA', path);
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  try {
    if (blocks.map((block) => new X509Certificate(block)).length > 0) return pem;
  } catch (cause) {
    throw unusable(path, cause);
  }
  throw unusable(path);
}

function unusable(path: string, cause?: unknown): PortkitError {
  return new PortkitError('PK1004', `${path}, which PORTKIT_REGISTRY_CA names, has no certificate that can be read`, {
    hint: 'It is a file of certificates in PEM form',
    cause,
  });
}

function readPem(variable: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new PortkitError('PK1004', `A file that ${variable} names cannot be read: ${path}: ${systemReason(cause)}`, { cause });
  }
}
