/** A program in the sandbox, and what it sees there. */
export interface ProgramSpec {
  readonly argv: readonly string[];
  /** Where each input is mounted: the n-th name is `/in/<name>` for the n-th input (the root's input has the name ''). */
  readonly inputs: readonly string[];
  /** The host's /usr, or the input that is the whole root file system. */
  readonly root: 'host' | { readonly input: number };
  /** Programs of the host whose bytes are part of the key. */
  readonly tools?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly network?: boolean;
  /** Names of secrets and where the step sees them (values are never part of anything). */
  readonly secrets?: readonly { readonly name: string; readonly to?: string; readonly env?: string }[];
  /** Not part of the key. */
  readonly timeoutMs?: number;
  readonly memoryBytes?: number;
  readonly processes?: number;
}

/** A postprocessor that somebody else wrote: asked by a line on its standard input, answering by lines on its standard output. */
export interface ExternalSpec extends ProgramSpec {
  readonly type: 'external';
  /** What it is told besides, as JSON. */
  readonly options?: string;
  /** The file (`./my-post.ts`) or package that the input `module` is; then there is no `argv`. */
  readonly module?: string;
}

/** What is done with a layout once everything else has been made and exported. Its result is never remembered. */
export interface DeploySpec extends ProgramSpec {
  readonly type: 'deploy';
}

/** The input that is the layout. */
export const layoutInput = 'layout';

/** The input that is the module of an external postprocessor. */
export const moduleInput = 'module';
