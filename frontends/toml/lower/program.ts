import type { DeployOver, ExternalOver } from '../../../src/graph/wire-program.ts';
import { moduleReference } from '../references.ts';
import type { Step } from '../schema/definition.ts';
import type { Complain } from './complain.ts';
import { bytes, given, milliseconds } from './complain.ts';
import { notJson } from './postprocess.ts';

/** `external = { … }`, with references for inputs. */
export function external(step: NonNullable<Step['external']>, complain: Complain): ExternalOver<string> {
  const { argv, postprocessor, options, timeout, memory, ...rest } = step;
  if ((argv === undefined) === (postprocessor === undefined))
    complain(['external'], 'an external postprocessor has either argv or postprocessor');
  if (postprocessor !== undefined && rest.root !== undefined)
    complain(['external', 'root'], 'a module runs with the programs of the host, not of a root');
  refuseNames('external', step, complain);
  const odd = notJson(options);
  if (odd !== undefined) complain(['external', 'options'], `JSON has no such value: ${odd}`);
  return {
    ...rest,
    ...given({ argv, timeoutMs: milliseconds(timeout, ['external', 'timeout'], complain) }),
    ...given({ memoryBytes: bytes(memory, ['external', 'memory'], complain) }),
    ...(options && odd === undefined && { options }),
    ...(postprocessor !== undefined && { module: { name: postprocessor, from: moduleReference(postprocessor) } }),
  };
}

/** `deploy = { … }`, with references for inputs. */
export function deploy(step: NonNullable<Step['deploy']>, complain: Complain): DeployOver<string> {
  const { timeout, memory, ...rest } = step;
  refuseNames('deploy', step, complain);
  return {
    ...rest,
    ...given({ timeoutMs: milliseconds(timeout, ['deploy', 'timeout'], complain) }),
    ...given({ memoryBytes: bytes(memory, ['deploy', 'memory'], complain) }),
  };
}

function refuseNames(kind: string, { inputs = {} }: { readonly inputs?: object }, complain: Complain): void {
  for (const name of ['layout', 'module', 'request', 'runtime'])
    if (Object.hasOwn(inputs, name))
      complain([kind, 'inputs', name], `the name ${name} belongs to the protocol`, 'Call the input something else');
}
