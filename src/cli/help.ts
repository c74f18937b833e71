import type { Command } from './command.ts';
import { commands } from './commands/index.ts';

/** What `portkit --help` prints. */
export function generalHelp(): string {
  const width = Math.max(...Object.keys(commands).map((name) => name.length));
  const lines = Object.entries(commands).map(([name, { summary }]) => `  ${name.padEnd(width)}  ${summary}`);
  return [
    'portkit: builds what a microVM boots from',
    '',
    'Usage: portkit COMMAND [OPTION…]',
    '',
    'Commands:',
    ...lines,
    '',
    'Options:',
    '  --help     this text; "portkit help COMMAND" for one command',
    '  --version  the version',
    '  --debug    with an error, print where it and its causes were thrown (also PORTKIT_DEBUG=1)',
    '',
    'Results go to standard output, everything else to standard error.',
    'Exit status: 0 done, 1 a step failed, 2 usage, 7 verification failed, 69 something is missing, 70 a bug in portkit,',
    '75 locked, 130 cancelled by Ctrl-C, 143 by SIGTERM.',
  ].join('\n');
}

/** What `portkit help COMMAND` prints. */
export function commandHelp(command: Command): string {
  const options = Object.entries(command.options).map(([name, { value, help, short }]) => ({
    left: `${short === undefined ? '' : `-${short}, `}--${name}${value === undefined ? '' : ` ${value}`}`,
    help,
  }));
  const width = Math.max(0, ...options.map(({ left }) => left.length));
  return [
    `Usage: portkit ${command.usage}`,
    '',
    command.about,
    '',
    'Options:',
    ...options.map(({ left, help }) => `  ${left.padEnd(width)}  ${help}`),
  ].join('\n');
}
