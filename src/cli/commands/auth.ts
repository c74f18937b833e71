import { printable } from '../../base/printable.ts';
import { listLogins } from '../../oci/credentials/find.ts';
import type { KnownLogin } from '../../oci/credentials/find.ts';
import { credentialPlaces } from '../../wiring.ts';
import type { Command } from '../command.ts';
import { flag } from '../values.ts';
import { chooseVerb } from '../verbs.ts';

const verbs = { list: { options: [] } };

/** `portkit auth list`: which registries know the user. */
export const auth: Command = {
  usage: 'auth list [--json]',
  about: [
    'The registries that there are logins for, the user where one is named, and who has the login: portkit itself, a file of',
    "Docker's or podman's, or a credential helper. Nothing secret is shown. Of several for one host, the first is used.",
  ].join('\n'),
  words: 1,
  options: { json: { type: 'boolean', help: 'print the result as JSON' } },
  async run(invocation) {
    chooseVerb({ command: 'auth', verbs, common: ['json'] }, invocation);
    const { options, signal, print, note } = invocation;
    const places = await credentialPlaces((message) => note(`warning: ${message}`));
    const logins = await listLogins(places, signal);
    if (flag(options, 'json')) print(JSON.stringify({ version: 1, logins }, null, 2));
    else if (logins.length === 0) note('There are no logins: portkit login HOST');
    else print(table(logins));
    return 0;
  },
};

function table(logins: readonly KnownLogin[]): string {
  const rows = logins.map(({ host, username = '-', from }) => [host, username, from].map(printable));
  const width = (at: number): number => Math.max(...rows.map((row) => row[at]?.length ?? 0));
  return rows
    .map(([host = '', user = '', from = '']) => `${host.padEnd(width(0))}  ${user.padEnd(width(1))}  ${from}`)
    .join('\n');
}
