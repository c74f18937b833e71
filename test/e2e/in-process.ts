import { commands } from '../../src/cli/commands/index.ts';
import { parseCommandLine } from '../../src/cli/parse.ts';
import { reportError } from '../../src/cli/report-error.ts';

const { signal } = new AbortController();

/** Runs a command line in this process, as the program does, and answers its exit status; `said` gets all that it prints. */
export async function runHere([name = '', ...args]: readonly string[], said: string[]): Promise<number> {
  const write = (text: string) => void said.push(text);
  try {
    const entry = commands[name];
    if (entry === undefined) throw new Error(`There is no command ${name}`);
    const command = await entry.load();
    return await command.run({ ...parseCommandLine(name, command, args), signal, print: write, note: write });
  } catch (error) {
    return reportError(error, { write, debug: false });
  }
}
