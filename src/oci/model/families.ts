import type { Reference } from './reference.ts';

/** The kinds of typed artifacts, each with the segment of a reference's path that stands for it: `…/<segment>/<name>`. */
const segments = {
  agent: 'agents',
  policy: 'policies',
  tool: 'tools',
  workflow: 'workflows',
  sandbox: 'sandboxes',
  knowledge: 'knowledge',
  integration: 'integrations',
  bundle: 'bundles',
  model: 'models',
  fileset: 'filesets',
} as const;

/** A kind of typed artifact. */
export type Family = keyof typeof segments;

/** All of them. */
export const families: readonly Family[] = [
  'agent',
  'policy',
  'tool',
  'workflow',
  'sandbox',
  'knowledge',
  'integration',
  'bundle',
  'model',
  'fileset',
];

/** Whether text names a family. */
export function isFamily(text: string): text is Family {
  return families.some((family) => family === text);
}

/** The media types of a family's manifests and of their configs. */
export function familyTypes(family: Family): { readonly artifactType: string; readonly config: string } {
  return { artifactType: `application/vnd.lens.${family}.v1+json`, config: `application/vnd.lens.${family}.config.v1+json` };
}

/** The family that the path of a reference says. */
export function familyOfReference({ repository }: Pick<Reference, 'repository'>): Family | undefined {
  const segment = repository.split('/').at(-2);
  return families.find((family) => segments[family] === segment);
}

/** The family whose manifests have this artifact type. */
export function familyOfArtifactType(type: string): Family | undefined {
  return families.find((family) => familyTypes(family).artifactType === type);
}
