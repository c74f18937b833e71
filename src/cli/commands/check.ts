import { definitionOptions, loadDefinition, targetsOf } from '../definition.ts';
import type { Command } from '../command.ts';
import { flag } from '../values.ts';

/** `portkit check`: is the definition right? */
export const check: Command = {
  usage: 'check [--file F] [--set NAME=VALUE]… [--json]',
  about: 'Reads a definition and tells everything that is wrong with it. Nothing is built, fetched or looked at.',
  words: 0,
  options: { ...definitionOptions, json: { type: 'boolean', help: 'print the result as JSON' } },
  async run(invocation) {
    const { file, graph } = await loadDefinition(invocation);
    const targets = targetsOf(graph, []);
    const steps = graph.vertices.map(({ name, op }) => ({ name, type: op.type }));
    if (flag(invocation.options, 'json')) invocation.print(JSON.stringify({ version: 1, file, steps, targets }, null, 2));
    else invocation.print(`${file}: ${steps.length} steps; targets: ${targets.join(', ')}`);
    return 0;
  },
};
