import { PortkitError } from '../base/errors.ts';
import type { Graph, Vertex } from './graph.ts';
import type { OpSpec } from './ops.ts';
import type { SbomSource } from './postprocess-ops.ts';

/** The graph with every bill of materials told what its inputs are made from, unless it says so itself. */
export function withSources(graph: Graph): Graph {
  if (!graph.vertices.some(({ op }) => op.type === 'sbom' && op.sources === undefined)) return graph;
  let looked = 0;
  const vertices = graph.vertices.map((vertex) => {
    const { op } = vertex;
    if (op.type !== 'sbom' || op.sources !== undefined) return vertex;
    const below = stepsBelow(graph, vertex);
    looked += below.size;
    if (looked > mostLooked)
      throw new PortkitError('PK1110', `Bills of materials tell of more than ${mostLooked} steps together`);
    const sources = sourcesIn(graph, below);
    return sources.length === 0 ? vertex : { ...vertex, op: { ...op, sources } };
  });
  return { ...graph, vertices };
}

/** Steps that are looked at for all bills together, so that many of them over a long chain end. */
const mostLooked = 5_000_000;

function stepsBelow({ vertices }: Graph, { inputs }: Vertex): ReadonlySet<number> {
  const seen = new Set(inputs.map((input) => input.vertex));
  for (const position of seen) for (const input of vertices[position]?.inputs ?? []) seen.add(input.vertex);
  return seen;
}

/** What was fetched by these steps, sorted; each once. */
function sourcesIn({ vertices }: Graph, positions: ReadonlySet<number>): readonly SbomSource[] {
  const found = new Map<string, SbomSource>();
  for (const position of positions) {
    const op = vertices[position]?.op;
    for (const source of op === undefined ? [] : sourcesOf(op)) found.set(`${source.url}\n${source.digest ?? ''}`, source);
  }
  return [...found].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, source]) => source);
}

function sourcesOf(op: OpSpec): readonly SbomSource[] {
  if (op.type === 'fetch' || op.type === 'git') {
    const url = publicUrl(op.url);
    const digest = op.type === 'git' ? op.commit : op.digest;
    return [{ name: lastName(url), url, ...(digest !== undefined && { digest }) }];
  }
  if (op.type === 'image')
    return [{ name: lastName(op.reference), url: op.reference, ...(op.digest !== undefined && { digest: op.digest }) }];
  if (op.type !== 'deb') return [];
  return op.packages.map(({ name, version, sha256 }) => ({
    name,
    url: `pkg:deb/debian/${encoded(name)}${version === undefined ? '' : `@${encoded(version)}`}`,
    ...(sha256 !== undefined && { digest: `sha256:${sha256}` }),
  }));
}

/** A URL without what may be secret: who asks, and the query, in which signed URLs have their keys. */
function publicUrl(text: string): string {
  const url = text.includes('://') ? URL.parse(text) : null;
  // The form USER@HOST:PATH of ssh, and paths.
  if (url === null) return text.replace(/^([a-z0-9+.-]*:\/\/)?[^/@]*@/i, '$1').replace(/[?#].*$/s, '');
  url.username = '';
  url.password = '';
  url.search = '';
  url.hash = '';
  return url.href;
}

function encoded(text: string): string {
  return encodeURIComponent(text).replaceAll('%3A', ':');
}

function lastName(url: string): string {
  return url.split('/').findLast((part) => part !== '') ?? url;
}
