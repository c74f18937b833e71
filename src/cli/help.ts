import type { Command } from './command.ts';
import { commands } from './commands/index.ts';

/** The commands as the help lists them; each is in one group. */
const groups: Readonly<Record<string, readonly string[]>> = {
  'Definitions and builds': ['build', 'plan', 'why', 'check', 'update', 'artifacts', 'schema'],
  'Images and machines': ['image', 'kernel', 'boot'],
  'Registries, layouts and archives': [
    'push',
    'pull',
    'copy',
    'tag',
    'tags',
    'inspect',
    'referrers',
    'manifest',
    'blob',
    'layout',
    'attest',
    'sbom',
    'provenance',
  ],
  'Logins at registries': ['login', 'logout', 'auth'],
  'This machine': ['cache', 'doctor', 'explain'],
};

/** What `portkit --help` prints. */
export function generalHelp(): string {
  const width = Math.max(...Object.keys(commands).map((name) => name.length));
  const lines = Object.entries(groups).flatMap(([title, names]) => [
    `${title}:`,
    ...names.map((name) => `  ${name.padEnd(width)}  ${commands[name]?.summary}`),
    '',
  ]);
  return [
    'portkit: builds what a microVM boots from',
    '',
    'Usage: portkit COMMAND [OPTION…]',
    '',
    ...lines,
    'Options:',
    '  --help     this text; "portkit help COMMAND" for one command',
    '  --version  the version',
    '  --debug    with an error, print where it and its causes were thrown (also PORTKIT_DEBUG=1)',
    '',
    'Results go to standard output, everything else to standard error.',
    'Exit status: 0 done, 1 a step failed, 2 usage, or a path that is not there, 3 something would have to run,',
    '5 the network is down, 6 not logged in, 7 verification failed, 69 something is missing or full, 70 a bug in portkit,',
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
  const lines = options.map(({ left, help }) => `  ${left.padEnd(width)}  ${help}`);
  return [`Usage: portkit ${command.usage}`, '', command.about, ...(lines.length === 0 ? [] : ['', 'Options:', ...lines])].join(
    '\n',
  );
}
