import { PortkitError } from '../base/errors.ts';
import type { Invocation } from './command.ts';

type Options = Invocation['options'];

/** The text of an option, or undefined when it was not given; an empty one is refused. */
export function textOption(options: Options, name: string): string | undefined {
  const value = options[name];
  if (value === '') throw new PortkitError('PK1004', `The option --${name} is empty`, { hint: `Give --${name} a value` });
  return typeof value === 'string' ? value : undefined;
}

/** The file that `-o` names; undefined stands for standard output, which `-` means as well. */
export function outputOption(options: Options): string | undefined {
  const output = textOption(options, 'output');
  return output === '-' ? undefined : output;
}

/** The values of an option that may be repeated. */
export function listOption(options: Options, name: string): readonly string[] {
  const value = options[name];
  return typeof value === 'object' ? value : [];
}

/** Whether a flag was given. */
export function flag(options: Options, name: string): boolean {
  return options[name] === true;
}

/** The `name=value` pairs of an option that may be repeated. */
export function pairsOption(options: Options, name: string): Readonly<Record<string, string>> {
  const pairs = listOption(options, name).map((text): [string, string] => {
    const at = text.indexOf('=');
    if (at > 0) return [text.slice(0, at), text.slice(at + 1)];
    throw new PortkitError('PK1004', `--${name} ${JSON.stringify(text)} has no name or no "="`, {
      hint: `Write --${name} NAME=VALUE`,
    });
  });
  const twice = pairs.find(([key], index) => pairs.findIndex(([other]) => other === key) < index);
  if (twice !== undefined) throw new PortkitError('PK1004', `--${name} gives ${JSON.stringify(twice[0])} twice`);
  return Object.fromEntries(pairs);
}

/** A whole number of at least one. */
export function countOption(options: Options, name: string): number | undefined {
  const text = textOption(options, name);
  if (text === undefined) return undefined;
  const count = Number(text);
  if (Number.isSafeInteger(count) && count >= 1 && /^[0-9]+$/.test(text)) return count;
  throw new PortkitError('PK1004', `--${name} ${JSON.stringify(text)} is no whole number from 1 on`);
}
