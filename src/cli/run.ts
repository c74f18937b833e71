import { parseArgs } from 'node:util';
import { PortkitError } from '../base/errors.ts';
import { parseArgsOptions } from './command.ts';
import type { Command } from './command.ts';
import { commands } from './commands/index.ts';
import { commandHelp, generalHelp } from './help.ts';
import { reportError } from './report-error.ts';
import { suggest } from '../base/suggest.ts';
import { version } from './version.ts';

/** Runs one command line; answers the exit status. */
export async function run(argv: readonly string[]): Promise<number> {
  const controller = new AbortController();
  process.on('SIGINT', () => controller.abort(new PortkitError('PK9001', 'Cancelled')));
  process.on('SIGTERM', () => controller.abort(new PortkitError('PK9001', 'Cancelled')));
  process.stdout.on('error', (error) => {
    if ('code' in error && error.code === 'EPIPE') process.exit(0);
    throw error;
  });
  try {
    return await dispatch(argv, controller.signal);
  } catch (error) {
    return reportError(error, (text) => process.stderr.write(`${text}\n`));
  }
}

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
  return command.run({ words: positionals, options, signal, print, note: (text) => process.stderr.write(`${text}\n`) });
}

async function help(name: string): Promise<number> {
  print(commandHelp(await load(name)));
  return 0;
}

async function load(name: string): Promise<Command> {
  const entry = commands[name];
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
    const near = option in command.options ? undefined : suggest(option, Object.keys(command.options));
    const hint = near === undefined ? `Run "portkit help ${name}" for its options` : `Did you mean "--${near}"?`;
    const what =
      option in command.options
        ? `The option --${option} of "portkit ${name}" has a wrong or no value`
        : `Unknown option --${option} of "portkit ${name}"`;
    throw new PortkitError('PK1001', what, { hint, cause: error });
  }
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
