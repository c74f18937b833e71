import { isUtf8 } from 'node:buffer';
import { lstatSync } from 'node:fs';
import { join, posix } from 'node:path';
import { PortkitError, systemCode } from '../base/errors.ts';
import type { Command } from './executor.ts';

/** Where a secret is found when its step does not say. */
export function secretPath(secret: Command['secrets'][number]): string | undefined {
  return secret.to ?? (secret.env === undefined ? `/run/secrets/${secret.name}` : undefined);
}

const inputName = /^(?!\.{1,2}$)[A-Za-z0-9._+-]{1,100}$/;
const variable = /^[A-Za-z_][A-Za-z0-9_]{0,200}$/;
/** Places that the sandbox itself makes; nothing is mounted over them or into them. */
const ownPlaces = ['/', '/proc', '/sys', '/dev', '/in', '/out'];
/** The same when the root is the host's: read-only, or links, by which one place would have two names. */
const placesOfHost = ['/usr', '/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32', '/etc', '/var/tmp'];
/** Also its own, but things may be mounted into them. */
const ownFolders = ['/tmp', '/run'];

/** Refuses what no sandbox can be made from: the strings of a command come from a definition. */
export function checkCommand(command: Command): void {
  if (command.argv.length === 0 || command.argv[0] === '') refuse('The command has no program');
  const names = command.inputs.map(({ name }) => name);
  for (const name of names) if (!inputName.test(name)) refuse(`The input name ${JSON.stringify(name)} is not allowed`);
  if (new Set(names).size < names.length) refuse('Two inputs have the same name');
  for (const limit of [command.timeoutMs, command.memoryBytes, command.processes]) {
    if (limit !== undefined && !(Number.isSafeInteger(limit) && limit > 0))
      refuse(`The limit ${limit} is no whole number above 0`);
  }
  checkPath(command.cwd, 'The working directory');
  const taken = command.root === 'host' ? [...ownPlaces, ...placesOfHost] : ownPlaces;
  for (const { name, to } of command.caches) checkTarget(to, `The place of the cache ${JSON.stringify(name)}`, taken);
  for (const secret of command.secrets) {
    const to = secretPath(secret);
    if (to !== undefined) checkTarget(to, `The place of the secret ${JSON.stringify(secret.name)}`, taken);
    const variable = secret.env === undefined || (isUtf8(secret.value) && !secret.value.includes(0));
    if (!variable) refuse(`The secret ${JSON.stringify(secret.name)} is no text, so it cannot be a variable`);
  }
  checkApart(command);
  const variables = [...Object.keys(command.env), ...command.secrets.flatMap(({ env }) => (env === undefined ? [] : [env]))];
  for (const name of variables) if (!variable.test(name)) refuse(`The variable name ${JSON.stringify(name)} is not allowed`);
  for (const text of [...command.argv, ...Object.values(command.env)])
    if (text.includes('\0')) refuse('An argument or variable holds a NUL byte');
}

function checkPath(path: string, what: string): void {
  const plain = path.startsWith('/') && !path.includes('\0') && posix.normalize(path) === path && path.length < 4096;
  if (!plain || (path.length > 1 && path.endsWith('/'))) refuse(`${what}, ${JSON.stringify(path)}, is not a plain absolute path`);
}

function checkTarget(path: string, what: string, places: readonly string[]): void {
  checkPath(path, what);
  const taken = places.some((place) => path === place || (place !== '/' && path.startsWith(`${place}/`)));
  if (taken || ownFolders.includes(path)) refuse(`${what}, ${path}, is the sandbox's own`);
}

/**
 * Nothing is mounted inside a cache: what earlier commands left there could be a link, which would be followed while the
 * sandbox is made, when the host's files are still in sight.
 */
function checkApart({ caches, secrets }: Command): void {
  const targets = [...caches.map(({ to }) => to), ...secrets.map(secretPath)].filter((to) => to !== undefined);
  for (const [index, one] of targets.entries()) {
    const other = targets.find((to, at) => at !== index && (to === one || to.startsWith(`${one}/`)));
    if (other !== undefined) refuse(`${other} is to be mounted inside of ${one}`);
  }
}

function refuse(message: string): never {
  throw new PortkitError('PK1003', message);
}

/**
 * A root tree is mounted read-only, so what is mounted into it must be there; and it must be reached without links, which
 * would be followed while the sandbox is made.
 */
export function checkMountPoint(root: string, to: string, kind: 'folder' | 'file'): void {
  if (to.startsWith('/tmp/') || to.startsWith('/run/')) return;
  let path = root;
  const parts = to.split('/').slice(1);
  for (const [index, part] of parts.entries()) {
    path = join(path, part);
    const last = index === parts.length - 1;
    const stat = statOrNothing(path);
    if (stat === undefined || !(last && kind === 'file' ? stat.isFile() : stat.isDirectory())) {
      throw new PortkitError('PK3107', `The root tree has no ${kind} ${to} to mount on`, {
        hint: `Add an empty ${kind} to the tree, or use a place below /tmp or /run`,
      });
    }
  }
}

function statOrNothing(path: string): ReturnType<typeof lstatSync> | undefined {
  try {
    return lstatSync(path);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(systemCode(error) ?? '')) return undefined;
    throw error;
  }
}
