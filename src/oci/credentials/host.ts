import { PortkitError } from '../../base/errors.ts';

/** The key that Docker keeps the credentials of its hub under. */
const hubKey = 'https://index.docker.io/v1/';
const hubHosts: readonly string[] = ['docker.io', 'index.docker.io', 'registry-1.docker.io'];
const hostForm = /^(?:[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?$/;

/** A host as users write it, from text with or without a scheme and a path; PK4041 when it is none. */
export function hostOf(text: string): string {
  const host = bare(text);
  if (host !== undefined && host.length <= 255 && hostForm.test(host)) return host;
  throw new PortkitError('PK4041', `${JSON.stringify(text.slice(0, 150))} is no host of a registry`, {
    hint: 'Write HOST or HOST:PORT',
  });
}

/** The host that a key of an auth file is for; undefined for keys that are for a part of a host only, as podman has them. */
export function hostOfKey(key: string): string | undefined {
  return key === hubKey ? 'docker.io' : bare(key);
}

function bare(text: string): string | undefined {
  const [, scheme, host = '', path = ''] = /^(https?:\/\/)?([^/]*)(\/.*)?$/i.exec(text) ?? [];
  const isWhole = scheme !== undefined || /^\/?(?:v[12]\/?)?$/.test(path);
  const lower = host.toLowerCase();
  if (!isWhole) return undefined;
  return hubHosts.includes(lower) ? 'docker.io' : lower;
}

/** What helper programs are asked for. */
export function helperKey(host: string): string {
  return host === 'docker.io' ? hubKey : host;
}
