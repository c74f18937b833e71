import { PortkitError } from '../../base/errors.ts';
import { openArchive } from '../../oci/layout/archive.ts';
import { folderSource, folderTarget } from '../../oci/layout/folder.ts';
import type { LayoutSource } from '../../oci/layout/files.ts';
import type { CopyFrom, CopyTo } from '../../oci/copy/copy.ts';
import { nameOf } from '../../oci/model/reference.ts';
import { onlyName, requireName } from '../../oci/place/only-name.ts';
import type { Place } from '../../oci/place/place.ts';
import { folderOfParts, openRegistries } from '../../wiring.ts';
import type { Registries } from '../../wiring.ts';
import type { Invocation, Option } from '../command.ts';
import { storeRoot } from '../context.ts';
import { flag } from '../values.ts';

/** The options of every command that may speak to a registry. */
export const registryOptions: Readonly<Record<string, Option>> = {
  'plain-http': { type: 'boolean', help: 'speak to the registry without TLS, as to loopback hosts' },
  tls: { type: 'boolean', help: 'speak TLS, to a loopback host too' },
};

/** The same for a command that may speak to two registries: each is only spoken to without TLS when that is said of it. */
export const bothRegistryOptions: Readonly<Record<string, Option>> = {
  'from-plain-http': { type: 'boolean', help: 'speak to the registry of FROM without TLS, as to loopback hosts' },
  'to-plain-http': { type: 'boolean', help: 'the same for the registry of TO' },
  'from-tls': { type: 'boolean', help: 'speak TLS to the registry of FROM, to a loopback host too' },
  'to-tls': { type: 'boolean', help: 'the same for the registry of TO' },
};

/** How the registry of a command is spoken to when its host does not tell; before the names of options, the side that they are for. */
export function transportOf(
  options: Invocation['options'],
  side: '' | 'from-' | 'to-' = '',
): { readonly transport?: 'plain-http' | 'tls' } {
  const [plain, tls] = [flag(options, `${side}plain-http`), flag(options, `${side}tls`)];
  if (plain && tls) throw new PortkitError('PK1001', `--${side}plain-http and --${side}tls contradict each other`);
  return plain ? { transport: 'plain-http' } : tls ? { transport: 'tls' } : {};
}

/** Opens places; what was opened is closed when it is disposed. */
export interface Opener extends AsyncDisposable {
  source(place: Place): Promise<CopyFrom>;
  target(place: Place, options?: { readonly mountFrom?: string }): Promise<CopyTo>;
}

/** An opener for one command line. */
export async function openPlaces({ options, signal, note }: Pick<Invocation, 'options' | 'signal' | 'note'>): Promise<Opener> {
  const held = new AsyncDisposableStack();
  const transports = {
    from: { ...transportOf(options), ...transportOf(options, 'from-') },
    to: { ...transportOf(options), ...transportOf(options, 'to-') },
  };
  let registries: Promise<Registries> | undefined;
  const opened = async (): Promise<Registries> =>
    (registries ??= openRegistries({
      warn: (message) => note(`warning: ${message}`),
      folder: () => folderOfParts(() => storeRoot(options['root'])),
    }).then((one) => held.use(one)));
  async function named(source: LayoutSource, name: string | undefined): Promise<CopyFrom> {
    if (name !== undefined) await requireName(source, name, signal);
    return { source, name: name ?? (await onlyName(source, signal)) };
  }
  return {
    async source(place) {
      if (place.kind === 'layout') return named(folderSource(place.path), place.name);
      if (place.kind === 'archive') return named(held.use(await openArchive(place.path, signal)), place.name);
      const source = (await opened()).source(place.reference, transports.from);
      return { source, name: nameOf(place.reference) };
    },
    async target(place, { mountFrom } = {}) {
      if (place.kind === 'layout') {
        return { target: folderTarget(place.path), ...(place.name !== undefined && { name: place.name }) };
      }
      if (place.kind === 'archive') {
        throw new PortkitError('PK1004', 'An archive is written as a whole, and nothing is put into it', {
          hint: 'Use oci:DIR[:TAG] here, or "portkit copy FROM oci-archive:FILE"',
        });
      }
      const access = { access: 'push', ...transports.to, ...(mountFrom !== undefined && { mountFrom: [mountFrom] }) } as const;
      const target = (await opened()).repository(place.reference, access);
      return { target, name: nameOf(place.reference) };
    },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}
