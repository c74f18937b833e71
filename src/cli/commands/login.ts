import { PortkitError } from '../../base/errors.ts';
import { printable } from '../../base/printable.ts';
import type { Credential } from '../../oci/credentials/credential.ts';
import { hostOf } from '../../oci/credentials/host.ts';
import { credentialPlaces, tryLogin } from '../../wiring.ts';
import type { Command, Invocation } from '../command.ts';
import { lineFromTerminal, secretFromInput, secretFromTerminal } from '../oci/secret-input.ts';
import { registryOptions } from '../oci/open.ts';
import { oneWord } from '../oci/words.ts';
import { flag, textOption } from '../values.ts';

/** `portkit login`: who the user is at a registry. */
export const login: Command = {
  usage: 'login HOST [-u USER] [--password-stdin | --identity-token-stdin]',
  about: [
    'Asks the registry whether it takes the login, and stores it for "push", "pull" and all others, in a file that only you may',
    'read. At a terminal it asks for what is not given; elsewhere the password comes from standard input, and never from an',
    'option, which everybody on this machine could read.',
    '',
    'Exit status: 5 the registry cannot be reached, 6 it does not take it; nothing is stored then.',
  ].join('\n'),
  words: 1,
  options: {
    user: { type: 'string', short: 'u', value: 'USER', help: 'the name of the user' },
    'password-stdin': { type: 'boolean', help: 'the password is what standard input has' },
    'identity-token-stdin': { type: 'boolean', help: 'standard input has an identity token (an OAuth2 refresh token) instead' },
    'no-verify': { type: 'boolean', help: 'store it without asking the registry' },
    ...registryOptions,
  },
  async run(invocation) {
    const { words, options, signal, print, note } = invocation;
    const host = hostOf(oneWord('login HOST', words));
    const credential = await credentialOf(host, invocation);
    if (!flag(options, 'no-verify')) {
      await tryLogin({ host, credential, ...(flag(options, 'plain-http') && { transport: 'plain-http' }) }, signal);
    }
    const { own } = await credentialPlaces((message) => note(`warning: ${message}`));
    await own.login(host, credential, signal);
    print(`Logged in to ${host}${credential.kind === 'basic' ? ` as ${printable(credential.username)}` : ''}`);
    return 0;
  },
};

async function credentialOf(host: string, { options, signal }: Invocation): Promise<Credential> {
  const [password, token] = [flag(options, 'password-stdin'), flag(options, 'identity-token-stdin')];
  const user = textOption(options, 'user');
  if (password && token) throw new PortkitError('PK1001', 'Standard input is either a password or an identity token');
  if (token) {
    if (user !== undefined)
      throw new PortkitError('PK1001', 'An identity token says by itself who the user is: leave out --user');
    return { kind: 'identity-token', token: await secretFromInput(signal) };
  }
  if (password) {
    if (user === undefined) throw new PortkitError('PK1001', 'A password needs the name of its user: --user USER');
    return { kind: 'basic', username: user, password: await secretFromInput(signal) };
  }
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    throw new PortkitError('PK1001', 'There is no terminal to ask for the password at', {
      hint: `For example: portkit login ${host} --user USER --password-stdin <FILE`,
    });
  }
  const username = user ?? (await lineFromTerminal(`User at ${host}: `, signal));
  return { kind: 'basic', username, password: await secretFromTerminal('Password: ', signal) };
}
