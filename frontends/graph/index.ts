import { PortkitError } from '../../src/base/errors.ts';
import { decodeGraph } from '../../src/graph/decode.ts';
import { withSources } from '../../src/graph/sources.ts';
import type { Frontend } from '../../src/graph/frontend.ts';

/** Takes a ready graph: the bytes of a `portkit.v1.Definition`, one character each (latin1) in the text of the source. */
export const binary: Frontend = {
  async load({ text, path }, { signal }) {
    signal.throwIfAborted();
    if (/[^\0-\xff]/.test(text)) throw new PortkitError('PK1101', `${path} was read as text, not as bytes`);
    return { graph: withSources(decodeGraph(Buffer.from(text, 'latin1'))), artifacts: [] };
  },
};
