/** What a registry wants to be told who asks (RFC 9110, 11.6.1; distribution's token specification). */
export type Challenge =
  | { readonly scheme: 'basic' }
  | { readonly scheme: 'bearer'; readonly realm: string; readonly service?: string; readonly scope?: string };

const mostBytes = 8 * 1024;
const part =
  /\s*(?:(?<name>[\w!#$%&'*+.^`|~-]+)\s*=\s*(?:"(?<quoted>(?:[^"\\]|\\.)*)"|(?<token>[^\s",]*))|(?<scheme>[\w!#$%&'*+.^`|~-]+))\s*,?/y;

/** The challenge to answer: Bearer before Basic; undefined when there is none that is understood. */
export function parseChallenge(header: string | undefined): Challenge | undefined {
  if (header === undefined || header.length > mostBytes) return undefined;
  const all: { scheme: string; parameters: Map<string, string> }[] = [];
  part.lastIndex = 0;
  while (part.lastIndex < header.length) {
    const groups = part.exec(header)?.groups;
    if (groups === undefined) return undefined;
    const { name, quoted, token, scheme } = groups;
    if (scheme !== undefined) all.push({ scheme: scheme.toLowerCase(), parameters: new Map() });
    else all.at(-1)?.parameters.set((name ?? '').toLowerCase(), quoted?.replaceAll(/\\(.)/g, '$1') ?? token ?? '');
  }
  const bearer = all.find(({ scheme, parameters }) => scheme === 'bearer' && parameters.has('realm'))?.parameters;
  if (bearer === undefined) return all.some(({ scheme }) => scheme === 'basic') ? { scheme: 'basic' } : undefined;
  const [realm = '', service, scope] = ['realm', 'service', 'scope'].map((name) => bearer.get(name));
  return {
    scheme: 'bearer',
    realm,
    ...(service === undefined ? {} : { service }),
    ...(scope === undefined ? {} : { scope }),
  };
}
