import { attachedTo } from '../../attest/attached.ts';
import { requireSigned } from '../../attest/policy.ts';
import { PortkitError } from '../../base/errors.ts';
import type { CopyFrom } from '../../oci/copy/copy.ts';
import type { Descriptor } from '../../oci/model/descriptor.ts';
import type { Invocation, Option } from '../command.ts';
import { listOption } from '../values.ts';
import { keysOf } from './attached.ts';

/** The options of commands that can refuse what nobody trusted has signed. */
export const trustOptions: Readonly<Record<string, Option>> = {
  key: { type: 'string', value: 'FILE', multiple: true, help: 'refuse what none of these public keys (PEM) signed' },
  'predicate-type': { type: 'string', value: 'URI', multiple: true, help: 'with --key: a statement that has to be signed too' },
};

/**
 * What a name stands for, from then on by its digest, which is what was signed; PK4153 unless the keys of the command line
 * signed it. Without keys everything is trusted, and a name stays a name.
 */
export async function trusted(from: CopyFrom, invocation: Pick<Invocation, 'options' | 'signal'>): Promise<CopyFrom> {
  const { source, name } = from;
  if (!isAsked(invocation)) return from;
  const root = await source.resolve(name, invocation.signal);
  if (root === undefined) throw new PortkitError('PK4001', `Nothing has the name ${JSON.stringify(name.slice(0, 200))}`);
  await requireTrust({ source, root }, invocation);
  return { source, name: root.digest };
}

/** PK4153 unless the keys of the command line, if there are any, signed a manifest and what else is asked for. */
export async function requireTrust(
  { source, root }: Pick<CopyFrom, 'source'> & { readonly root: Descriptor },
  invocation: Pick<Invocation, 'options' | 'signal'>,
): Promise<void> {
  if (!isAsked(invocation)) return;
  const { options, signal } = invocation;
  const policy = { keys: keysOf(options), predicateTypes: listOption(options, 'predicate-type') };
  requireSigned(await attachedTo(source, root, signal), root.digest, policy);
}

function isAsked({ options }: Pick<Invocation, 'options'>): boolean {
  const isAskedFor = listOption(options, 'key').length > 0;
  if (isAskedFor || listOption(options, 'predicate-type').length === 0) return isAskedFor;
  throw new PortkitError('PK1001', 'What has to be signed (--predicate-type) is only known to be with --key FILE');
}
