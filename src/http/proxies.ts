import { PortkitError } from '../base/errors.ts';
import type { ConnectionOptions } from './agents.ts';

type Variables = Readonly<Record<string, string | undefined>>;

/** The proxies that an environment names: `http_proxy`, `https_proxy`, `no_proxy`, small letters before capitals. */
export function proxiesOf(env: Variables): NonNullable<ConnectionOptions['proxies']> {
  const http = proxyOf(env, 'http_proxy');
  const https = proxyOf(env, 'https_proxy');
  const none = env['no_proxy'] ?? env['NO_PROXY'];
  return {
    ...(http === undefined ? {} : { http }),
    ...(https === undefined ? {} : { https }),
    ...(none === undefined ? {} : { none }),
  };
}

/** The proxy of a variable; the scheme may be left out. */
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
