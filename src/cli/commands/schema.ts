import type { Command } from '../command.ts';
import { definitionSchema } from '../../wiring.ts';

/** `portkit schema`: the JSON Schema of definitions, for editors. */
export const schema: Command = {
  usage: 'schema',
  about: 'Prints the JSON Schema (draft-07) of portkit.toml, for editors and other tools.',
  words: 0,
  options: {},
  async run({ print }) {
    print(JSON.stringify(await definitionSchema(), null, 2));
    return 0;
  },
};
