import type { Graph } from './graph.ts';
import type { OpSpec } from './ops.ts';
import type { SbomSource } from './postprocess-ops.ts';

/** The graph with every bill of materials told what its inputs are made from, unless it says so itself. */
export function withSources(graph: Graph): Graph {
  if (!graph.vertices.some(({ op }) => op.type === 'sbom' && op.sources === undefined)) return graph;
  const vertices = graph.vertices.map((vertex) => {
    const { op } = vertex;
    if (op.type !== 'sbom' || op.sources !== undefined) return vertex;
    const sources = sourcesBelow(
      graph,
      vertex.inputs.map((input) => input.vertex),
    );
    return sources.length === 0 ? vertex : { ...vertex, op: { ...op, sources } };
  });
  return { ...graph, vertices };
}

/** What was fetched for these steps and for everything below them, sorted; each once. */
function sourcesBelow({ vertices }: Graph, roots: readonly number[]): readonly SbomSource[] {
  const seen = new Set(roots);
  const found = new Map<string, SbomSource>();
  for (const position of seen) {
    const vertex = vertices[position];
    if (vertex === undefined) continue;
    for (const input of vertex.inputs) seen.add(input.vertex);
    for (const source of sourcesOf(vertex.op)) found.set(`${source.url}\n${source.digest ?? ''}`, source);
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
