import { PortkitError } from '../base/errors.ts';
import type { Graph, Vertex } from './graph.ts';
import type { OpSpec } from './ops.ts';
import type { SbomSource, SbomSpec, SourceOrigin } from './postprocess-ops.ts';

/** The graph with every bill of materials told what its inputs are made from, unless it says so itself. */
export function withSources(graph: Graph): Graph {
  return withBills(graph, ({ vertex, op, below }) => {
    if (op.sources !== undefined) return vertex;
    const sources = sourcesIn(graph, below());
    return sources.length === 0 ? vertex : { ...vertex, op: { ...op, sources } };
  });
}

/**
 * The graph with every bill of materials given the steps that its sources come from, unless it says its sources itself: what
 * is not pinned there is known by the lock, and files of the client by their results, which become inputs. Done when a
 * definition is read: it is in none.
 */
export function linkSources(graph: Graph): Graph {
  return withBills(graph, ({ vertex, op, below }) => {
    if (op.sources?.length === 0) return vertex;
    const steps = below();
    if (JSON.stringify(op.sources ?? []) !== JSON.stringify(sourcesIn(graph, steps))) return vertex;
    const origins: SourceOrigin[] = [];
    const inputs = [...vertex.inputs];
    for (const position of [...steps].toSorted((a, b) => a - b)) {
      const source = graph.vertices[position]?.op;
      if (source?.type === 'local') origins.push({ op: source, input: inputs.push({ vertex: position, output: 0 }) - 1 });
      else if (source?.type === 'fetch' || source?.type === 'git' || source?.type === 'image' || source?.type === 'deb')
        origins.push({ op: source });
    }
    return origins.length === 0 ? vertex : { ...vertex, op: { ...op, origins }, inputs };
  });
}

interface Bill {
  readonly vertex: Vertex;
  readonly op: SbomSpec;
  /** The steps that led to it. */
  readonly below: () => ReadonlySet<number>;
}

function withBills(graph: Graph, change: (bill: Bill) => Vertex): Graph {
  if (!graph.vertices.some(({ op }) => op.type === 'sbom')) return graph;
  let looked = 0;
  const vertices = graph.vertices.map((vertex) => {
    const { op } = vertex;
    if (op.type !== 'sbom') return vertex;
    const below = (): ReadonlySet<number> => {
      const steps = stepsBelow(graph, vertex);
      looked += steps.size;
      if (looked > mostLooked)
        throw new PortkitError('PK1110', `Bills of materials tell of more than ${mostLooked} steps together`);
      return steps;
    };
    return change({ vertex, op, below });
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

/** What was fetched by these steps. */
function sourcesIn({ vertices }: Graph, positions: ReadonlySet<number>): readonly SbomSource[] {
  return sorted([...positions].flatMap((position) => vertices[position]?.op ?? []).flatMap(sourcesOf));
}

/** Sources in the order that documents have them in, each once. */
export function sorted<Source extends SbomSource>(sources: readonly Source[]): readonly Source[] {
  const found = new Map(sources.map((source) => [`${source.url}\n${source.digest ?? ''}`, source]));
  return [...found].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, source]) => source);
}

/** What a step fetches, as far as the definition pins it. */
export function sourcesOf(op: OpSpec): readonly SbomSource[] {
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
