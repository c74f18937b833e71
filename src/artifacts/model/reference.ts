import { PortkitError } from '../../base/errors.ts';

/** What an artifact is called, whatever its variants and wherever they are. */
export interface Reference {
  readonly registry: string;
  readonly repository: string;
  readonly version: string;
}

/** A name or host, with a port when it has one. */
const registryForm = /^[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?(?::[0-9]{1,5})?$/;
/** The name of a repository in the OCI distribution specification 1.1. */
const repositoryForm = /^(?=.{1,255}$)[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
/** A tag of the same specification, with room for the selector that registries get behind it. */
const versionForm = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,89}$/;

const forms = {
  registry: [registryForm, 'a name or host such as "demo-fs" or "127.0.0.1:5510"'],
  repository: [repositoryForm, 'lower-case names and digits with "/" between, such as "port/demo-kernel"'],
  version: [versionForm, 'letters, digits and _ . - (at most 90) such as "v1"'],
} as const;

/** What is wrong with one part of a reference; undefined when nothing is. No part that passes can lead out of a folder. */
export function wrongPart(part: keyof Reference, text: string): string | undefined {
  const [form, what] = forms[part];
  return form.test(text) ? undefined : `expected ${what}`;
}

/** A reference from its one spelling, `registry/repository:version`; any other is refused (PK3901). */
export function parseReference(text: string): Reference {
  const [, registry = '', repository = '', version = ''] = /^([^/]*)\/(.*):([^:/]*)$/s.exec(text) ?? [];
  const reference = { registry, repository, version };
  for (const part of ['registry', 'repository', 'version'] as const) {
    const wrong = wrongPart(part, reference[part]);
    if (wrong === undefined) continue;
    throw new PortkitError('PK3901', `${JSON.stringify(text.slice(0, 200))} is no reference: its ${part} is malformed`, {
      hint: `A reference is registry/repository:version; ${part}: ${wrong}`,
    });
  }
  return reference;
}

/** `demo-fs/port/demo-kernel:v1`. */
export function showReference({ registry, repository, version }: Reference): string {
  return `${registry}/${repository}:${version}`;
}
