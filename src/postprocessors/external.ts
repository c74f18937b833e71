import { canonicalJson } from '../base/canonical.ts';
import { PortkitError } from '../base/errors.ts';
import type { Ref } from '../base/ref.ts';
import { parseStrictJson } from '../formats/strict-json.ts';
import type { ExternalSpec } from '../graph/program-ops.ts';
import { layoutInput, moduleInput } from '../graph/program-ops.ts';
import type { ExecWorld } from '../ops/exec.ts';
import { execOp } from '../ops/exec.ts';
import type { FileWorld } from '../ops/input.ts';
import { ofKind } from '../ops/input.ts';
import { asOutcome } from '../ops/outcome.ts';
import type { Op, Outcome } from '../solver/op.ts';
import { assemble } from './external/assemble.ts';
import { listen } from './external/conversation.ts';
import type { PostprocessRequest } from './external/protocol.ts';
import { runtimeOf } from './external/runtime.ts';
import type { LayoutWorld, StoredBlob } from './layout-tree.ts';
import { readLayout } from './layout-tree.ts';

/** What an external postprocessor is lent. */
export interface ExternalWorld extends FileWorld {
  readonly exec: () => ExecWorld;
  /** The program of node that runs portkit, which runs modules too. */
  readonly node: (signal: AbortSignal) => Promise<StoredBlob>;
}

const shell = '/bin/sh';
/** Inputs that the protocol adds. */
const [requestInput, runtimeInput] = ['request', 'runtime'] as const;

/**
 * A postprocessor that somebody else wrote: a command in the sandbox, which is asked on standard input and sees nothing but
 * the layout and its other inputs, and then an assembling of what it answers.
 */
export function externalOp(spec: ExternalSpec, world: ExternalWorld): Op {
  const { options = '{}', module, type: _, ...program } = spec;
  return {
    code: 'external/1',
    pool: 'cpu',
    async facts(context) {
      const { facts } = await execOp({ ...program, type: 'exec' }, world.exec()).facts(context);
      const node = module === undefined ? undefined : (await world.node(context.signal)).digest;
      return { facts: { ...facts, options, ...(module !== undefined && { module }), ...(node && { node }) } };
    },
    run: (inputs, context) =>
      asOutcome(async () => {
        const lent = { blobs: world.blobs, signal: context.signal };
        const taken = spec.inputs.find((name) => name === requestInput || name === runtimeInput);
        if (taken !== undefined) throw new PortkitError('PK4106', `The input name "${taken}" belongs to the protocol`);
        const layout = ofKind(named(spec, inputs, layoutInput), 'tree');
        const request = await requestOf(layout, options, lent);
        const runtime =
          module === undefined
            ? undefined
            : await runtimeOf(
                { name: module, module: named(spec, inputs, moduleInput), node: await world.node(context.signal) },
                lent,
              );
        const talk = listen(context);
        const command = execOp(
          {
            ...program,
            type: 'exec',
            // Whatever the root is, it has a shell; a command has no standard input of its own.
            argv: [shell, '-c', `exec "$@" </in/${requestInput}`, 'sh', ...(runtime?.argv ?? spec.argv)],
            // The runtime has the module, which is not seen twice.
            inputs: [
              ...spec.inputs.map((name) => (name === moduleInput && runtime ? '' : name)),
              requestInput,
              ...(runtime ? [runtimeInput] : []),
            ],
            ...(runtime && { cwd: '/in/runtime' }),
          },
          world.exec(),
        );
        const all = [...inputs, request, ...(runtime ? [runtime.tree] : [])];
        const outcome = await command.run(all, { ...context, output: talk.output });
        if (!outcome.ok) return failed(spec, outcome);
        const out = ofKind(outcome.outputs[0] ?? { kind: 'blob', digest: layout }, 'tree');
        return { ok: true, outputs: [await assemble(talk.result(), { ...lent, layout, out })] };
      }),
  };
}

/** The line that the postprocessor reads. */
async function requestOf(layout: Ref['digest'], options: string, world: LayoutWorld): Promise<Ref> {
  const manifests = await readLayout(layout, world);
  const request: PostprocessRequest = {
    version: 1,
    layout: `/in/${layoutInput}`,
    out: '/out',
    manifests,
    options: optionsIn(options),
  };
  const line = canonicalJson(request);
  const batch = world.blobs.batch();
  const digest = batch.add(Buffer.from(`${line}\n`));
  await batch.commit(world.signal);
  return { kind: 'blob', digest };
}

/** The options of a definition, which may be a binary one that anybody wrote. */
function optionsIn(text: string): PostprocessRequest['options'] {
  try {
    const value = parseStrictJson(Buffer.from(text), 'The options');
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return Object.fromEntries(Object.entries(value));
  } catch (error) {
    if (!(error instanceof PortkitError)) throw error;
  }
  throw new PortkitError('PK4106', 'The options of a postprocessor are one JSON object');
}

function named({ inputs: names }: ExternalSpec, inputs: readonly Ref[], name: string): Ref {
  const input = inputs[names.indexOf(name)];
  if (input === undefined) throw new PortkitError('PK3306', `The step has no input "${name}"`);
  return input;
}

/** The failure of the command with what it is of; what it said stands in the log. */
function failed({ module, argv: [program = ''] }: ExternalSpec, { failure }: Extract<Outcome, { ok: false }>): Outcome {
  const what = failure.message.startsWith(shell) ? failure.message.slice(shell.length) : `: ${failure.message}`;
  return { ok: false, failure: { ...failure, message: `The postprocessor ${module ?? program}${what}` } };
}
