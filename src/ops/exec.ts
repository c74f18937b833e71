import { posix } from 'node:path';
import type { Digest } from '../base/digest.ts';
import { PortkitError } from '../base/errors.ts';
import { never } from '../base/exhaustive.ts';
import { fromBytes } from '../base/byte-string.ts';
import type { Ref } from '../base/ref.ts';
import type { Command, Ended, Executor } from '../execution/executor.ts';
import type { HostTools } from '../execution/host-tools.ts';
import type { ExecSpec } from '../graph/ops.ts';
import type { Failure, Op, Outcome } from '../solver/op.ts';
import type { SmallBlobs } from '../store/blobs.ts';
import { decodeNode } from '../store/trees/decode.ts';
import { secretOf } from './secret.ts';
import type { Secrets } from './secret.ts';

/** What a command step is lent. */
export interface ExecWorld {
  readonly executor: Executor;
  readonly hostTools: HostTools;
  readonly secrets: Secrets;
  readonly blobs: Pick<SmallBlobs, 'get'>;
}

/** A command in the sandbox. */
export function execOp(spec: ExecSpec, world: ExecWorld): Op {
  return {
    code: 'exec/1',
    pool: 'cpu',
    facts: async ({ signal }) => ({ facts: { ...factsOf(spec, world.hostTools), ...(await toolFacts(spec, world, signal)) } }),
    async run(inputs, context) {
      try {
        const command = commandOf(spec, inputs, world.secrets);
        const ended = await world.executor.run(command, context);
        return ended.how === 'exited' && ended.out !== undefined
          ? { ok: true, outputs: [outputOf(spec, ended.out, world.blobs)] }
          : { ok: false, failure: failureOf(spec, ended) };
      } catch (error) {
        return failedStep(error);
      }
    },
  };
}

/** Everything the result depends on. Not the time limit, which only decides whether there is one; nor caches and secrets' values. */
function factsOf(spec: ExecSpec, { machine }: HostTools): Record<string, string> {
  const { argv, env = {}, inputs, root, output, secrets = [], memoryBytes, processes } = spec;
  return {
    argv: JSON.stringify(argv),
    machine,
    cwd: workingDirectory(spec),
    network: spec.network === true ? 'host' : 'none',
    root: root === 'host' ? 'host' : `input ${root.input}`,
    inputs: JSON.stringify(inputs),
    output: output === undefined ? 'tree' : `file ${output.file}`,
    ...(memoryBytes === undefined ? {} : { memory: String(memoryBytes) }),
    ...(processes === undefined ? {} : { processes: String(processes) }),
    ...Object.fromEntries(Object.entries(env).map(([name, value]) => [`env ${name}`, value])),
    ...Object.fromEntries(secrets.map(({ name, to, env }) => [`secret ${name}`, JSON.stringify({ to, env })])),
  };
}

async function toolFacts(
  { tools = [] }: ExecSpec,
  { hostTools }: ExecWorld,
  signal: AbortSignal,
): Promise<Record<string, string>> {
  const found = await Promise.all(tools.map(async (tool) => [`tool ${tool}`, await hostTools.digest(tool, signal)] as const));
  return Object.fromEntries(found);
}

function workingDirectory({ cwd = '/tmp' }: ExecSpec): string {
  return cwd;
}

function commandOf(spec: ExecSpec, inputs: readonly Ref[], secrets: Secrets): Command {
  const { timeoutMs, memoryBytes, processes } = spec;
  return {
    argv: spec.argv,
    inputs: spec.inputs.flatMap((name, index) => {
      const ref = inputs[index];
      return name === '' || ref === undefined ? [] : [{ name, ref }];
    }),
    root: spec.root === 'host' ? 'host' : rootOf(inputs[spec.root.input]),
    env: spec.env ?? {},
    cwd: workingDirectory(spec),
    network: spec.network === true,
    caches: spec.caches ?? [],
    secrets: (spec.secrets ?? []).map((secret) => ({ ...secret, value: secretOf(secret.name, secrets) })),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(memoryBytes === undefined ? {} : { memoryBytes }),
    ...(processes === undefined ? {} : { processes }),
  };
}

function rootOf(ref: Ref | undefined): Digest {
  if (ref?.kind === 'tree') return ref.digest;
  throw new PortkitError('PK3107', 'The root of the step is a file, not a tree');
}

/** The whole of /out, or the one file of it. */
function outputOf({ output }: ExecSpec, out: Digest, blobs: ExecWorld['blobs']): Ref {
  if (output === undefined) return { kind: 'tree', digest: out };
  const parts = posix.normalize(output.file).split('/').filter(Boolean);
  let at = out;
  for (const [index, part] of parts.entries()) {
    const bytes = blobs.get(at);
    if (bytes === undefined) throw new PortkitError('PK2002', `The tree ${at} is not in the store`);
    const name = fromBytes(Buffer.from(part));
    const entry = decodeNode(bytes, at).entries.find((one) => one.name === name);
    if (index === parts.length - 1 && entry?.type === 'file') return { kind: 'blob', digest: entry.content };
    if (entry?.type !== 'dir') break;
    at = entry.node;
  }
  throw new PortkitError('PK3105', `The command ended well, but left no file ${output.file} in /out`);
}

function failureOf({ argv: [program = ''], timeoutMs, memoryBytes }: ExecSpec, ended: Ended): Failure {
  switch (ended.how) {
    case 'exited':
      return {
        code: 'PK3101',
        message: `${program} ended with status ${ended.status}`,
        ...(ended.status === 127
          ? { hint: 'So do shells and the sandbox say that a program is not there: look at the log' }
          : {}),
      };
    case 'signalled':
      return { code: 'PK3102', message: `${program} was ended by ${ended.signal}` };
    case 'out-of-time':
      return {
        code: 'PK3103',
        message: `${program} ran longer than ${(timeoutMs ?? 0) / 1000} s and was killed`,
        hint: 'Raise "timeout"',
      };
    case 'out-of-memory':
      return { code: 'PK3104', message: `${program} needed more than ${memoryBytes} bytes of memory`, hint: 'Raise "memory"' };
    default:
      return never(ended);
  }
}

/** What a step itself asked for or left behind and that cannot be; everything else is not its failure. */
const ownFaults = ['PK1003', 'PK2101', 'PK2102', 'PK3105', 'PK3107', 'PK3108', 'PK3110'];

function failedStep(error: unknown): Outcome {
  if (!(error instanceof PortkitError) || !ownFaults.includes(error.code)) throw error;
  const { code, message, hint } = error;
  return { ok: false, failure: { code, message, ...(hint === undefined ? {} : { hint }) } };
}
