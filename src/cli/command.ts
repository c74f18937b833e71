import type { Output } from './output.ts';

/** One option: what parseArgs needs, and what the help says. */
export interface Option {
  readonly type: 'string' | 'boolean';
  readonly help: string;
  /** Its one-letter form. */
  readonly short?: string;
  /** The name of the value in the help (`DIR`). */
  readonly value?: string;
  /** It may be given more than once, and its value is a list. */
  readonly multiple?: true;
}

/** What a command is given when it runs. */
export interface Invocation extends Output {
  readonly words: readonly string[];
  readonly options: Readonly<Record<string, string | boolean | readonly string[] | undefined>>;
  readonly signal: AbortSignal;
}

/** A command as its file exports it. */
export interface Command {
  readonly usage: string;
  readonly about: string;
  /** How many words it takes at most (Infinity for any number). */
  readonly words: number;
  readonly options: Readonly<Record<string, Option>>;
  /** Runs and answers the exit status. */
  run(invocation: Invocation): Promise<number>;
}
