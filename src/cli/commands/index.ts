import type { Command } from '../command.ts';

interface Entry {
  readonly summary: string;
  load(): Promise<Command>;
}

/** Every command by name; its file is read when it is named. */
export const commands: Readonly<Record<string, Entry>> = {
  build: { summary: 'make the targets of a definition', load: async () => (await import('./build.ts')).build },
  artifacts: {
    summary: 'build, validate, push, pull, list and inspect the artifacts of a definition',
    load: async () => (await import('./artifacts.ts')).artifacts,
  },
  plan: { summary: 'say what a build would run, and why', load: async () => (await import('./plan.ts')).plan },
  update: { summary: 'move what the lock pins to what there is today', load: async () => (await import('./update.ts')).update },
  why: { summary: 'say why steps ran', load: async () => (await import('./why.ts')).why },
  check: { summary: 'check a definition', load: async () => (await import('./check.ts')).check },
  schema: { summary: 'print the JSON Schema of definitions', load: async () => (await import('./schema.ts')).schema },
  cache: {
    summary: 'look after the store: du, ls, prune, verify, rebuild-index',
    load: async () => (await import('./cache.ts')).cache,
  },
  kernel: { summary: 'look inside a kernel, or take its vmlinux out', load: async () => (await import('./kernel.ts')).kernel },
  boot: {
    summary: 'boot a kernel with its image, and talk to the agent inside',
    load: async () => (await import('./boot.ts')).boot,
  },
  image: {
    summary: 'make images of anything, look inside, check, compare and extract them',
    load: async () => (await import('./image.ts')).image,
  },
  push: { summary: 'push an artifact, a layout or an image to a registry', load: async () => (await import('./push.ts')).push },
  pull: { summary: 'pull an artifact as files, or an image into the store', load: async () => (await import('./pull.ts')).pull },
  copy: {
    summary: 'copy an artifact or image between layouts, archives and registries',
    load: async () => (await import('./copy.ts')).copy,
  },
  tag: { summary: 'give an artifact or image more tags', load: async () => (await import('./tag.ts')).tag },
  attest: {
    summary: 'look at what is said about an artifact, and check its signatures',
    load: async () => (await import('./attest.ts')).attest,
  },
  sbom: { summary: 'print what is in an artifact', load: async () => (await import('./sbom.ts')).sbom },
  provenance: { summary: 'print how an artifact was made', load: async () => (await import('./provenance.ts')).provenance },
  inspect: { summary: 'say what an artifact or image is made of', load: async () => (await import('./inspect.ts')).inspect },
  referrers: {
    summary: 'list what refers to an artifact: signatures, SBOMs, provenance',
    load: async () => (await import('./referrers.ts')).referrers,
  },
  manifest: {
    summary: 'read, write and delete manifests as they are',
    load: async () => (await import('./manifest.ts')).manifest,
  },
  blob: { summary: 'read and write blobs as they are', load: async () => (await import('./blob.ts')).blob },
  login: { summary: 'store who you are at a registry', load: async () => (await import('./login.ts')).login },
  logout: { summary: 'forget who you are at a registry', load: async () => (await import('./logout.ts')).logout },
  auth: { summary: 'list the registries that know you', load: async () => (await import('./auth.ts')).auth },
  doctor: { summary: 'check this machine and the store', load: async () => (await import('./doctor.ts')).doctor },
  explain: { summary: 'explain an error code', load: async () => (await import('./explain.ts')).explain },
};
