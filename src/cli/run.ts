import { PortkitError } from '../base/errors.ts';
import { cancelOnSignals } from './cancel.ts';
import type { Command } from './command.ts';
import { commands } from './commands/index.ts';
import { commandHelp, generalHelp } from './help.ts';
import { processOutput } from './output.ts';
import type { Output } from './output.ts';
import { parseCommandLine } from './parse.ts';
import { reportError } from './report-error.ts';
import { suggest } from '../base/suggest.ts';
import { version } from './version.ts';

/** Runs one command line; answers the exit status. */
export async function run(argv: readonly string[]): Promise<number> {
  const { debug, args } = takeDebug(argv);
  const cancellation = cancelOnSignals();
  const output = processOutput();
  const report = (error: unknown): number =>
    reportError(error, { write: output.note, debug: debug || process.env['PORTKIT_DEBUG'] === '1' });
  process.on('uncaughtException', (error) => process.exit(report(error)));
  try {
    return await dispatch(args, output, cancellation.signal);
  } catch (error) {
    const status = cancellation.status();
    if (status === undefined) return report(error);
    // Whatever the cancelled work came to grief with is no failure of its own.
    const reason: unknown = cancellation.signal.reason;
    const isOnlyThat = error === reason || (error instanceof Error && error.name === 'AbortError' && error.cause === reason);
    report(isOnlyThat ? reason : new PortkitError('PK9001', 'Cancelled', { cause: error }));
    return status;
  }
}

/** `--debug` may stand anywhere before a `--`. */
function takeDebug(argv: readonly string[]): { debug: boolean; args: readonly string[] } {
  const end = argv.includes('--') ? argv.indexOf('--') : argv.length;
  const args = argv.filter((word, at) => at >= end || word !== '--debug');
  return { debug: args.length < argv.length, args };
}

/** `--config FILE` may stand before the command, as with Port. */
function configLast(args: readonly string[]): readonly string[] {
  const [first = ''] = args;
  const taken = first === '--config' ? 2 : first.startsWith('--config=') ? 1 : 0;
  const [name, ...rest] = args.slice(taken);
  return taken === 0 || name === undefined ? args : [name, ...args.slice(0, taken), ...rest];
}

async function dispatch(args: readonly string[], output: Output, signal: AbortSignal): Promise<number> {
  const [name, ...rest] = configLast(args);
  if (name === undefined) {
    output.note(generalHelp());
    return 2;
  }
  if (name === '--version') return show(output, `portkit ${version()}`, rest);
  if (name === '--help' || name === '-h') return show(output, generalHelp(), rest);
  if (name === 'help') {
    const [of, ...more] = rest;
    return show(output, of === undefined ? generalHelp() : commandHelp(await load(of)), more);
  }
  const command = await load(name);
  const end = rest.includes('--') ? rest.indexOf('--') : rest.length;
  if (rest.slice(0, end).some((word) => word === '--help' || word === '-h')) return show(output, commandHelp(command), []);
  return command.run({ ...parseCommandLine(name, command, rest), ...output, signal });
}

function show({ print }: Output, text: string, extra: readonly string[]): number {
  if (extra[0] !== undefined) {
    throw new PortkitError('PK1001', `${JSON.stringify(extra[0])} is one word too many`, { hint: 'Leave it out' });
  }
  print(text);
  return 0;
}

function load(name: string): Promise<Command> {
  const entry = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (entry !== undefined) return entry.load();
  const near = suggest(name, [...Object.keys(commands), '--version', '--help']);
  const hint = near === undefined ? 'Run "portkit --help" for the commands' : `Did you mean "portkit ${near}"?`;
  throw new PortkitError('PK1001', `Unknown command ${JSON.stringify(name)}`, { hint });
}
