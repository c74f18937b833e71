import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { PortkitError } from '../../src/base/errors.ts';
import { provideApi } from '../../src/base/own-api.ts';
import type { Frontend } from '../../src/graph/frontend.ts';
import type { Graph } from '../../src/graph/graph.ts';

/** Runs a definition that is a TypeScript module and takes the graph that it exports. */
export const typescript: Frontend = {
  async load(source) {
    using _ = provideApi();
    const loaded: unknown = await import(pathToFileURL(resolve(source.path)).href).catch((cause: unknown) => {
      if (cause instanceof PortkitError) throw cause;
      const message = cause instanceof Error ? cause.message : String(cause);
      throw new PortkitError('PK1112', `The definition ${source.path} cannot be run: ${message}`, { cause });
    });
    const graph = typeof loaded === 'object' && loaded !== null && 'default' in loaded ? loaded.default : undefined;
    if (isGraph(graph)) return { graph, artifacts: [] };
    throw new PortkitError('PK1112', `The definition ${source.path} has no graph as its default export`, {
      hint: "End it with  export default graph((steps) => …)  of  import { graph } from 'portkit'",
    });
  },
};

/** What `graph` makes is validated there; anything else does not look like this. */
function isGraph(value: unknown): value is Graph {
  return (
    typeof value === 'object' && value !== null && 'vertices' in value && Array.isArray(value.vertices) && 'targets' in value
  );
}
