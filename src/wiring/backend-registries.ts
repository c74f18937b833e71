import { setTimeout as sleep } from 'node:timers/promises';
import type { Registries as BackendRegistries } from '../artifacts/backends/oci-registry.ts';
import type { RegistryAuth, ValueSource } from '../artifacts/model/artifact.ts';
import { PortkitError } from '../base/errors.ts';
import { Secret } from '../oci/credentials/credential.ts';
import type { Credential } from '../oci/credentials/credential.ts';
import type { CredentialFor, Registries, RegistrySurroundings } from './registries.ts';

type SaidAuth = Exclude<RegistryAuth, { readonly kind: 'docker-config' }>;

/** The registries of artifacts as definitions configure them; connections end when they are disposed. */
export function openBackendRegistries(around: RegistrySurroundings): BackendRegistries & Disposable {
  const held = new DisposableStack();
  let ofUser: Promise<Registries> | undefined;
  const open = async (said: Partial<RegistrySurroundings>): Promise<Registries> => {
    const { openRegistries } = await import('./registries.ts');
    return held.use(openRegistries({ ...around, ...said, isDefined: true }));
  };
  return {
    async openRepository({ registry, repository, access, config: { transport, auth } }) {
      // What nobody says and what the files of this machine say is the same.
      const credentialFor = auth === undefined || auth.kind === 'docker-config' ? undefined : credentialsBy(auth);
      const said = transport === undefined ? {} : { transport: transport === 'https' ? ('tls' as const) : transport };
      const registries = await (credentialFor === undefined ? (ofUser ??= open({})) : open({ credentialFor }));
      return registries.repository({ registry, repository }, { access, ...said });
    },
    waiting: {
      pause: (attempt, signal) => sleep(Math.random() * 50 * 2 ** Math.min(attempt, 6), undefined, { signal }),
      settle: (signal) => sleep(300, undefined, { signal }),
    },
    [Symbol.dispose]: () => held.dispose(),
  };
}

function credentialsBy(auth: SaidAuth): CredentialFor {
  const known = credentialOf(auth);
  return () => Promise.resolve(known);
}

function credentialOf(auth: SaidAuth): Credential | undefined {
  if (auth.kind === 'anonymous') return undefined;
  if (auth.kind === 'bearer') return { kind: 'bearer', token: new Secret(valueOf(auth.source)) };
  return { kind: 'basic', username: valueOf(auth.username), password: new Secret(valueOf(auth.password)) };
}

function valueOf({ variable }: ValueSource): string {
  const value = process.env[variable];
  if (value !== undefined && value !== '') return value;
  throw new PortkitError('PK4080', `The environment variable ${variable} is not set`, {
    hint: 'The definition says that the credentials of the registry are in it',
  });
}
