import type { Finding, Path, Place } from './findings.ts';
import type { Plan } from './plan.ts';
import { lower, variantsOf } from './postprocess/lower.ts';
import type { Chain, Turn } from './postprocess/lower.ts';
import type { ArtifactTable } from './schema/port.ts';
import type { PostprocessTable } from './schema/postprocess.ts';
import type { Named, Tables } from './tables.ts';
import { quote, showPath } from './words.ts';

/** The stage of each postprocessor; those of one stage come as they are written. An external one may be anywhere after packaging. */
const stages = {
  rewrite_timestamps: 'convert',
  convert: 'convert',
  oci: 'package',
  sbom: 'attest',
  provenance: 'attest',
  sign: 'sign',
  verify: 'sign',
  deploy: 'sink',
} as const satisfies Readonly<Record<Exclude<keyof PostprocessTable, 'name' | 'external' | 'postprocessor'>, string>>;
type Kind = keyof typeof stages | 'external' | 'postprocessor';
const order: readonly string[] = ['convert', 'package', 'attest', 'sign', 'sink'];
const packaging = order.indexOf('package');

/**
 * The postprocessors of artifacts as steps, each of which is a target: `ARTIFACT.NAME`, the name being the kind unless one is
 * given, and with `.ARCHITECTURE.SUBSTRATE.MODE` behind it when it is made once for each of several variants.
 */
export function postprocessSteps(
  tables: Tables,
  plan: Plan,
): { readonly steps: ReadonlyMap<string, Named>; readonly findings: readonly Finding[] } {
  const steps = new Map<string, Named>();
  const findings: Finding[] = [];

  function add(name: string, value: object, place: Place): string {
    const taken = tables.steps.get(name) ?? steps.get(name);
    const related = taken && [{ message: 'has this name already', place: taken.place }];
    if (related) findings.push({ code: 'PK1106', message: `there are two steps named ${quote(name)}`, place, related });
    // What it uses has its cells named, so that it has no axes of its own.
    else steps.set(name, { name, value: { ...value, matrix: [] }, place });
    return `step:${name}`;
  }

  for (const artifact of [...tables.kernels.values(), ...tables.guestImages.values()]) {
    const { postprocess = [], variants = [] } = artifact.value as ArtifactTable;
    const isBuilt = variants.some(({ build }) => build !== undefined);
    const chain: Chain = {
      artifact: artifact.name,
      plan,
      tables,
      variants: variantsOf(artifact.value as ArtifactTable, plan),
      packaged: undefined,
    };
    let reached = 0;
    for (const [index, table] of postprocess.entries()) {
      const place: Place = { ...artifact.place, path: [...artifact.place.path, 'postprocess', index], at: 'value' };
      const complain: Turn['complain'] = (at, { message, ...rest }) => {
        const path = [...place.path, ...at];
        findings.push({ ...rest, message: `${showPath(path)}: ${message}`, place: { ...place, path } });
      };
      const kind = kindOf(table, (at, message, hint) => complain(at, { code: 'PK1103', message, hint }));
      if (kind === undefined) continue;
      const stage =
        kind === 'external' || kind === 'postprocessor'
          ? Math.min(Math.max(reached, packaging), order.indexOf('sign'))
          : order.indexOf(stages[kind]);
      if (stage < reached) {
        const message = `${order[stage]} comes before ${order[reached]}`;
        complain([kind], { code: 'PK1103', message, hint: `The order is ${order.join(' → ')}` });
      } else if (!isBuilt) {
        const message = 'there is nothing to work on: no variant of the artifact has a build';
        complain([kind], { code: 'PK1103', message, hint: 'Give a variant  build = { step = "NAME" }' });
      } else {
        reached = stage;
        const name = `${artifact.name}.${table.name ?? kind.replaceAll('_', '-')}`;
        lower(chain, { table, name, add: (step, value) => add(step, value, place), complain });
      }
    }
  }
  return { steps, findings };
}

function kindOf(table: PostprocessTable, complain: (at: Path, message: string, hint?: string) => void): Kind | undefined {
  const kinds = Object.keys(table).filter((key): key is Kind => key !== 'name');
  const [kind, second] = kinds;
  if (kind === undefined)
    complain(
      [],
      'the table does not say what is done',
      `Give it one of ${[...Object.keys(stages), 'external', 'postprocessor'].join(', ')}`,
    );
  if (second !== undefined) complain([second], `one table is one postprocessor, not ${kinds.join(' and ')}`);
  return second === undefined ? kind : undefined;
}
