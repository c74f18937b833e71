import { proxiesOf } from '../../http/proxies.ts';
import type { RegistryOptions } from './client.ts';

type Variables = Readonly<Record<string, string | undefined>>;

/** What the environment of a program says about registries. */
export function registrySettings(env: Variables): Pick<RegistryOptions, 'plainHttp' | 'trustedRealms' | 'connections'> {
  return {
    plainHttp: [...listOf(env, 'PORTKIT_REGISTRY_PLAIN_HTTP'), ...listOf(env, 'LNS_REGISTRY_PLAIN_HTTP')],
    trustedRealms: listOf(env, 'PORTKIT_REGISTRY_REALMS'),
    connections: { proxies: proxiesOf(env) },
  };
}

/** Words between commas or white space, in lower case as hosts are. */
function listOf(env: Variables, name: string): readonly string[] {
  return (env[name] ?? '')
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((word) => word !== '');
}
