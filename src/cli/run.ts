import { parseArgs } from 'node:util';
import { PortkitError, systemCode } from '../base/errors.ts';
import { parseArgsOptions } from './command.ts';
import type { Command } from './command.ts';
import { commands } from './commands/index.ts';
import { commandHelp, generalHelp } from './help.ts';
import { reportError } from './report-error.ts';
import { suggest } from './suggest.ts';
import { version } from './version.ts';

/** Runs one command line; answers the exit status. */
export async function run(argv: readonly string[]): Promise<number> {
  const controller = new AbortController();
  const cancel = (): void => controller.abort(new PortkitError('PK9001', 'Cancelled'));
  // Once: a second Ctrl-C finds no handler, and ends the program however busy it is.
  process.once('SIGINT', cancel);
  process.once('SIGTERM', cancel);
  process.stdout.on('error', outputFailed);
  process.stderr.on('error', ignore);
  try {
    return await dispatch(argv, controller.signal);
  } catch (error) {
    return reportError(error, note);
  }
}

/** A reader that left (`| head`) wanted no more: the exit status still says how the work went. */
function outputFailed(error: Error): void {
  if (systemCode(error) === 'EPIPE') return;
  const code = systemCode(error) === 'ENOSPC' ? 'PK2007' : 'PK2009';
  const failure = new PortkitError(code, 'The result could not be written to standard output', { cause: error });
  process.exit(reportError(failure, note));
}

/** Nobody is left to be told. */
function ignore(): void {}

async function dispatch(argv: readonly string[], signal: AbortSignal): Promise<number> {
  const [name, ...rest] = argv;
  if (name === undefined || name === '--help' || name === '-h' || (name === 'help' && rest.length === 0)) {
    print(generalHelp());
    return name === undefined ? 2 : 0;
  }
  if (name === '--version') {
    print(`portkit ${version()}`);
    return 0;
  }
  if (name === 'help') return help(rest[0] ?? '');
  const command = await load(name);
  if (rest.includes('--help') || rest.includes('-h')) return help(name);
  const { values, positionals } = parse(name, command, rest);
  const options = Object.fromEntries(
    Object.entries(values).map(([key, value]) => [key, Array.isArray(value) ? value.at(-1) : value]),
  );
  if (positionals.length > command.words) {
    throw new PortkitError('PK1001', `"portkit ${name}" does not take ${JSON.stringify(positionals[command.words])}`, {
      hint: `Usage: portkit ${command.usage}`,
    });
  }
  return command.run({ words: positionals, options, signal, print, note });
}

async function help(name: string): Promise<number> {
  print(commandHelp(await load(name)));
  return 0;
}

async function load(name: string): Promise<Command> {
  const entry = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (entry !== undefined) return entry.load();
  const near = suggest(name, Object.keys(commands));
  const hint = near === undefined ? 'Run "portkit --help" for the commands' : `Did you mean "portkit ${near}"?`;
  throw new PortkitError('PK1001', `Unknown command ${JSON.stringify(name)}`, { hint });
}

function parse(name: string, command: Command, args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: parseArgsOptions(command.options), allowPositionals: true, strict: true });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const option = /'--?([^' =<]+)/.exec(message)?.[1] ?? '';
    const known = Object.hasOwn(command.options, option);
    const near = known ? undefined : suggest(option, Object.keys(command.options));
    const hint = near === undefined ? `Run "portkit help ${name}" for its options` : `Did you mean "--${near}"?`;
    const what = known
      ? `The option --${option} of "portkit ${name}" has a wrong or no value`
      : `Unknown option --${option} of "portkit ${name}"`;
    throw new PortkitError('PK1001', what, { hint, cause: error });
  }
}

function note(text: string): void {
  process.stderr.write(`${text}\n`);
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
