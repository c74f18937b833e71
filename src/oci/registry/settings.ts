import { PortkitError } from '../../base/errors.ts';
import type { RegistryOptions } from './client.ts';

type Variables = Readonly<Record<string, string | undefined>>;

/** What the environment of a program says about registries. */
export function registrySettings(env: Variables): Pick<RegistryOptions, 'plainHttp' | 'trustedRealms' | 'connections'> {
  const http = proxyOf(env, 'http_proxy');
  const https = proxyOf(env, 'https_proxy');
  const none = env['no_proxy'] ?? env['NO_PROXY'];
  return {
    plainHttp: [...listOf(env, 'PORTKIT_REGISTRY_PLAIN_HTTP'), ...listOf(env, 'LNS_REGISTRY_PLAIN_HTTP')],
    trustedRealms: listOf(env, 'PORTKIT_REGISTRY_REALMS'),
    connections: {
      proxies: {
        ...(http === undefined ? {} : { http }),
        ...(https === undefined ? {} : { https }),
        ...(none === undefined ? {} : { none }),
      },
    },
  };
}

/** Words between commas or white space, in lower case as hosts are. */
function listOf(env: Variables, name: string): readonly string[] {
  return (env[name] ?? '')
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((word) => word !== '');
}

/** The proxy of a variable, in small letters before capitals; the scheme may be left out. */
function proxyOf(env: Variables, name: string): string | undefined {
  const text = env[name] ?? env[name.toUpperCase()] ?? '';
  if (text === '') return undefined;
  const url = text.includes('://') ? text : `http://${text}`;
  if (URL.canParse(url) && /^https?:/i.test(url)) return url;
  // Its value may hold a password.
  throw new PortkitError('PK1004', `The variable ${name} has no address of a proxy`, {
    hint: 'Proxies have the form http://[USER:PASSWORD@]HOST:PORT',
  });
}
