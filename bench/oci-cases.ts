import { spawnSync } from 'node:child_process';
import { readdirSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { run } from './measure.ts';
import type { Case, Command, Contender } from './measure.ts';
import { freshPaths, installed, ours, portkit, settle, shell } from './place.ts';
import type { Place } from './place.ts';
import { startRegistry } from './registry.ts';

/** Pushes and pulls against skopeo, and downloads against curl, all with one registry on the loopback. */
export function ociCases(place: Place): readonly Case[] {
  const missing = ['docker-registry', 'skopeo', 'curl', 'openssl'].filter((program) => !installed(program));
  if (missing.length > 0) {
    console.error(`Pushes and pulls are not timed: there is no ${missing.join(', no ')}`);
    return [];
  }
  const [, version = ''] = spawnSync('skopeo', ['--version'], { encoding: 'utf8' }).stdout.trim().split(' version ');
  let host: string | undefined;
  const world: World = {
    place,
    peer: `skopeo ${version.split(' ')[0]}`,
    host: () => (host ??= startRegistry(join(place.folder, 'registry'))),
  };
  const count = Math.ceil(place.large / 5);
  const large = { world, name: `1 × ${place.large} MiB`, layers: 1, megabytes: place.large, isLarge: true };
  const many = { world, name: `${count} × 1 MiB`, layers: count, megabytes: 1, isLarge: false };
  return [...copyCases(large), ...copyCases(many), fetchCase(world)];
}

interface World {
  readonly place: Place;
  readonly peer: string;
  readonly host: () => string;
}

interface Subject {
  readonly world: World;
  readonly name: string;
  readonly layers: number;
  readonly megabytes: number;
  /** Only for this one are there goals of what has to be sent. */
  readonly isLarge: boolean;
}

function copyCases(subject: Subject): readonly Case[] {
  const { world, name, layers, megabytes, isLarge } = subject;
  const { place, peer, host } = world;
  const { folder } = place;
  const layout = join(folder, `oci-${layers}`);
  const pulled = freshPaths(folder, `oci-${layers}-fresh`);
  let pushed = 0;
  const there = (): string => `${host()}/there/${layers}:v1`;
  const nowhere = (): string => `${host()}/push/${(pushed += 1)}:v1`;
  const kept = (who: string): string => `oci:${join(folder, `oci-${layers}-kept-${who}`)}:v1`;
  const goal = (times: number): NonNullable<Contender['goals']> => ({ [peer]: { times } });
  const pair = (what: string, from: () => string, to: (who: 'ours' | 'theirs') => string) => ({
    ours: { name: `${what}, ${name}`, command: () => portkit(place, 'copy', '--quiet', from(), to('ours')) },
    peers: [{ name: peer, command: () => skopeo(folder, from(), to('theirs')) }],
  });
  const sending = (cpuMs: number) =>
    isLarge ? { goals: goal(0.8), limits: { megabytes: 200, cpuMs } } : { limits: { megabytes: 200 } };
  const cases = {
    push: pair('push', () => `oci:${layout}:v1`, nowhere),
    pushed: pair('push of what is there', () => `oci:${layout}:v1`, there),
    pull: pair('pull', there, () => `oci:${pulled()}:v1`),
    pulled: pair('pull of what is there', there, kept),
  };
  // What a client can reach that knows the digest beforehand and reads nothing twice: the rest is the registry's own time.
  const plainUploads = (isWanted: boolean): Case['peers'] =>
    isWanted ? [{ name: 'curl -T, nothing hashed', command: () => plainUpload(host(), largestBlob(layout)) }] : [];
  const prepare = (): void => {
    if (readdirSync(folder).includes(`oci-${layers}`)) return;
    run(ours(place, 'make-layout', layout, String(layers), String(megabytes)));
    run(portkit(place, 'copy', '--quiet', `oci:${layout}:v1`, there()));
  };
  const between = (): void => settle(folder);
  return [
    {
      prepare,
      between,
      ours: [{ ...cases.push.ours, ...sending(2200) }],
      peers: [...cases.push.peers, ...plainUploads(isLarge)],
    },
    { prepare, ours: [{ ...cases.pushed.ours, goals: goal(0.5) }], peers: cases.pushed.peers, shortRounds: 5 },
    { prepare, between, ours: [{ ...cases.pull.ours, ...sending(3300) }], peers: cases.pull.peers },
    { prepare, ours: [{ ...cases.pulled.ours, goals: goal(0.5) }], peers: cases.pulled.peers, shortRounds: 5 },
  ];
}

/** The largest file of a layout. */
function largestBlob(layout: string): string {
  const blobs = join(layout, 'blobs', 'sha256');
  const sizes = readdirSync(blobs).map((name) => ({ name, size: statSync(join(blobs, name)).size }));
  return join(blobs, sizes.toSorted((a, b) => b.size - a.size)[0]?.name ?? '');
}

let uploads = 0;

/** A blob by two requests. */
function plainUpload(host: string, blob: string): Command {
  const begin = `curl -sSf -D - -o /dev/null -X POST http://${host}/v2/plain/${(uploads += 1)}/blobs/uploads/`;
  const place = `$(${begin} | tr -d '\\r' | sed -n 's/^[Ll]ocation: //p')`;
  return shell(`curl -sSf -H Expect: -T ${blob} "${place}&digest=sha256:${basename(blob)}"`);
}

/** Without what it remembers of earlier copies: it would mount blobs of other repositories instead of sending them. */
function skopeo(folder: string, from: string, to: string): Command {
  const home = join(folder, 'skopeo-home');
  const place = (name: string): string => (name.startsWith('oci:') ? name : `docker://${name}`);
  const env = `HOME=${home} XDG_DATA_HOME=${home} XDG_RUNTIME_DIR=${home} _CONTAINERS_ROOTLESS_UID=1`;
  const how = '--all --preserve-digests --src-tls-verify=false --dest-tls-verify=false';
  return shell(`rm -rf ${home}; mkdir ${home}; ${env} skopeo --insecure-policy copy -q ${how} ${place(from)} ${place(to)}`);
}

/** A pinned download, into a store of its own each time. */
function fetchCase({ place, host }: World): Case {
  const { folder, large } = place;
  const layout = join(folder, 'oci-1');
  const definition = join(folder, 'fetch.toml');
  const fresh = freshPaths(folder, 'fetched-fresh');
  const peer = 'curl && openssl dgst -sha256';
  let url = '';
  return {
    prepare() {
      if (!readdirSync(folder).includes('oci-1')) run(ours(place, 'make-layout', layout, '1', String(large)));
      run(portkit(place, 'copy', '--quiet', `oci:${layout}:v1`, `${host()}/fetched:v1`));
      const digest = `sha256:${basename(largestBlob(layout))}`;
      url = `http://${host()}/v2/fetched/blobs/${digest}`;
      writeFileSync(definition, `[steps.file]\nfetch = { url = "${url}", sha256 = "${digest.slice(7)}" }\n`);
    },
    between: () => settle(folder),
    ours: [
      {
        name: `fetch of ${large} MiB, pinned, into the store`,
        command: () => portkit(place, 'build', '--quiet', '--file', definition, '--root', fresh()),
        goals: { [peer]: { times: 0.9 } },
        limits: { megabytes: 200 },
      },
    ],
    peers: [
      {
        name: peer,
        command() {
          const file = fresh();
          return shell(`curl -sSfo ${file} ${url} && openssl dgst -sha256 ${file}`);
        },
      },
    ],
  };
}
