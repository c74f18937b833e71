import type { Document, Finding, Path, Place } from './findings.ts';
import { axisNames } from './schema/axes.ts';
import type { Definition } from './schema/definition.ts';
import { quote } from './words.ts';

/** Something with a name, and where it was written. */
export interface Named {
  readonly name: string;
  readonly value: unknown;
  readonly place: Place;
}

/** The tables of all files together. */
export interface Tables {
  readonly steps: ReadonlyMap<string, Named>;
  readonly targets: ReadonlyMap<string, Named>;
  readonly variables: ReadonlyMap<string, Named>;
  readonly kernels: ReadonlyMap<string, Named>;
  readonly guestImages: ReadonlyMap<string, Named>;
  readonly controlPlanes: ReadonlyMap<string, Named>;
  readonly environment: ReadonlySet<string>;
  readonly matrix: NonNullable<Definition['matrix']>;
  readonly findings: readonly Finding[];
}

/** Tables whose names count in all files together, and what one entry is called. */
const shared: readonly (readonly [path: readonly string[], word: string])[] = [
  [['steps'], 'step'],
  [['targets'], 'target'],
  [['vars'], 'variable'],
  [['matrix'], 'matrix axis'],
  [['artifacts', 'kernels'], 'kernel'],
  [['artifacts', 'guest_images'], 'guest image'],
  [['control_planes'], 'control plane'],
];

/** Puts files together. Asks nothing of their form, and tells of names that are taken. */
export function mergeTables(documents: readonly Document[]): Tables {
  const findings: Finding[] = [];
  const merged = new Map<string, ReadonlyMap<string, Named>>();
  for (const [path, word] of shared) {
    const { found, taken } = collect(documents, path);
    merged.set(path.join('.'), found);
    for (const [later, earlier] of taken) findings.push(twice(word, later, earlier));
  }
  const environment = documents.flatMap((document) => (Array.isArray(document.value.env) ? document.value.env : []));
  const matrix = [...(merged.get('matrix') ?? [])].filter(
    ([axis]) => axis === 'exclude' || (axisNames as readonly string[]).includes(axis),
  );
  return {
    steps: merged.get('steps') ?? new Map(),
    targets: merged.get('targets') ?? new Map(),
    variables: merged.get('vars') ?? new Map(),
    kernels: merged.get('artifacts.kernels') ?? new Map(),
    guestImages: merged.get('artifacts.guest_images') ?? new Map(),
    controlPlanes: merged.get('control_planes') ?? new Map(),
    environment: new Set(environment),
    matrix: Object.fromEntries(matrix.map(([axis, { value }]) => [axis, value])),
    findings,
  };
}

function twice(word: string, { name, place }: Named, earlier: Named): Finding {
  const related = [{ message: 'has this name already', place: earlier.place }];
  return { code: 'PK1106', message: `there are two ${word}s named ${quote(name)}`, place, related };
}

interface Collected {
  readonly found: ReadonlyMap<string, Named>;
  /** What came too late for its name, with what has it. */
  readonly taken: readonly (readonly [later: Named, earlier: Named])[];
}

function collect(documents: readonly Document[], path: Path): Collected {
  const found = new Map<string, Named>();
  const taken: [Named, Named][] = [];
  for (const document of documents) {
    const table = path.reduce<unknown>((value, key) => (isTable(value) ? value[key] : undefined), document.value);
    if (!isTable(table)) continue;
    // Object.entries takes ten times as long on the objects that the parser makes.
    for (const name of Object.keys(table)) {
      const named: Named = { name, value: table[name], place: { document, path: [...path, name], at: 'key' } };
      const earlier = found.get(name);
      if (earlier === undefined) found.set(name, named);
      else taken.push([named, earlier]);
    }
  }
  return { found, taken };
}

function isTable(value: unknown): value is Readonly<Record<string | number, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
}
