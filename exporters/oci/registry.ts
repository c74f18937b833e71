import type { ExportContext, Exporter, Prepared, Target } from '../../src/artifacts/exporter.ts';
import { PortkitError } from '../../src/base/errors.ts';
import { copy } from '../../src/oci/copy/copy.ts';
import { parseReference, showReference } from '../../src/oci/model/reference.ts';
import type { Reference } from '../../src/oci/model/reference.ts';
import type { Target as Repository } from '../../src/oci/model/ports.ts';
import { checkNames, chooseTargets } from '../files/choose.ts';
import { exported, layoutResults } from './results.ts';

/** What an output in a registry is to be. */
export interface RegistryOutput {
  /** `HOST[:PORT]/PATH[:TAG]`. */
  readonly name: string;
  readonly target: readonly string[];
  readonly transport?: 'plain-http' | 'tls';
}

/** Opens a repository to push to. */
export type OpenRepository = (reference: Reference, transport?: 'plain-http' | 'tls') => Promise<Repository>;

/** Pushes results to a repository: everything while preparing, and the tags when all exporters have prepared. */
export function registryExporter(output: RegistryOutput, openRepository: OpenRepository): Exporter {
  const reference = parseReference(output.name);
  if (reference.digest !== undefined) {
    throw new PortkitError('PK3401', `--output name=${output.name}: a digest cannot be chosen`, { hint: 'Name a tag' });
  }
  return {
    check: (targets) => checkNames(output.target, targets),
    async prepare(targets, context) {
      const repository = await openRepository(reference, output.transport);
      return prepare({ repository, reference }, chooseTargets(output.target, targets), context);
    },
  };
}

interface Destination {
  readonly repository: Repository;
  readonly reference: Reference;
}

async function prepare(
  { repository, reference }: Destination,
  targets: readonly Target[],
  context: ExportContext,
): Promise<Prepared> {
  const { signal } = context;
  const results = await layoutResults(targets, context, reference.tag);
  const counts = { written: 0, unchanged: 0 };
  const onEvent = ({ state }: { readonly state: string }): void => {
    if (state === 'stored' || state === 'mounted') counts.written += 1;
    else if (state === 'existed') counts.unchanged += 1;
  };
  for (const { source, name } of results) {
    await copy({ source, name }, { target: repository }, { signal, referrers: true, onEvent });
  }
  return {
    async publish(stop) {
      for (const { root, tag } of results) await repository.tag(root, tag, stop);
      const paths = results.map((one) => {
        const at = { ...reference, tag: one.tag, digest: one.root.digest };
        return exported(one, showReference(at));
      });
      return { type: 'oci-registry', destination: repository.shown, exported: paths, ...counts, warnings: [] };
    },
    [Symbol.dispose]: () => undefined,
  };
}
