import { canonicalJson } from '../base/canonical.ts';
import type { DeploySpec, ExternalSpec, ProgramSpec } from './program-ops.ts';
import { layoutInput, moduleInput } from './program-ops.ts';
import type { ExecOver, Wired } from './wire.ts';
import { wireExec } from './wire.ts';

/** A program over a layout, its inputs named directly: each is seen at `/in/<name>`, the layout at `/in/layout`. */
type ProgramOver<H> = Pick<ExecOver<H>, Exclude<keyof ProgramSpec, 'argv'> & keyof ExecOver<H>> & { readonly from: H };

/** An external postprocessor: a program, or a module with the function `postprocess`. */
export type ExternalOver<H> = ProgramOver<H> & {
  readonly options?: Readonly<Record<string, unknown>>;
  readonly argv?: readonly string[];
  /** A step that is a single file, or a package's folder, and what it is called: `./my-post.ts`, `@me/my-post`. */
  readonly module?: { readonly name: string; readonly from: H };
};

/** A deployment: a command over a layout. */
export type DeployOver<H> = ProgramOver<H> & { readonly argv: readonly string[] };

/** An external postprocessor; its inputs are sorted by name. Throws when the options are no JSON. */
export function wireExternal<H>({
  from,
  argv = [],
  inputs,
  options,
  module,
  ...rest
}: ExternalOver<H>): Wired<H> & { readonly op: ExternalSpec } {
  const all = { ...inputs, [layoutInput]: from, ...(module && { [moduleInput]: module.from }) };
  const wired = wireExec({ ...rest, argv, inputs: all });
  const told = { ...(options && { options: canonicalJson(options) }), ...(module && { module: module.name }) };
  return { op: { ...wired.op, type: 'external', ...told }, inputs: wired.inputs };
}

/** A deployment; its inputs are sorted by name. */
export function wireDeploy<H>({ from, inputs, ...rest }: DeployOver<H>): Wired<H> & { readonly op: DeploySpec } {
  const wired = wireExec({ ...rest, inputs: { ...inputs, [layoutInput]: from } });
  return { op: { ...wired.op, type: 'deploy' }, inputs: wired.inputs };
}
