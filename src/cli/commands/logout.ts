import { printable } from '../../base/printable.ts';
import { listLogins } from '../../oci/credentials/find.ts';
import { hostOf } from '../../oci/credentials/host.ts';
import { credentialPlaces } from '../../wiring.ts';
import type { Command } from '../command.ts';
import { oneWord } from '../oci/words.ts';

/** `portkit logout`: forgets what `login` has stored. */
export const logout: Command = {
  usage: 'logout HOST',
  about: [
    'Forgets what "portkit login" has stored for a registry. Logins of other programs stay, and are still used: where there',
    'is one, a note says so.',
  ].join('\n'),
  words: 1,
  options: {},
  async run({ words, signal, print, note }) {
    const host = hostOf(oneWord('logout HOST', words));
    const places = await credentialPlaces((message) => note(`warning: ${message}`));
    const there = await places.own.logout(host, signal);
    print(there ? `Logged out of ${host}` : `There was no login of portkit for ${host}`);
    for (const login of await listLogins(places, signal)) {
      if (login.host === host) note(`note: ${printable(login.from)} still has a login for ${host}`);
    }
    return 0;
  },
};
