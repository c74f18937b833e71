import { readFileSync } from 'node:fs';
import { PortkitError } from '../base/errors.ts';
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
    ...(authorities !== '' && { authorities: [readPem('PORTKIT_REGISTRY_CA', authorities)] }),
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
  return { host: host.toLowerCase(), certificate: read(certificate), key: read(key) };
}

function readPem(variable: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new PortkitError('PK1004', `A file that ${variable} names cannot be read: ${path}`, { cause });
  }
}
