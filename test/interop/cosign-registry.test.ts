import { execFile } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { emptyShelves, smallRegistry } from '../oci/small-registry.ts';
import { say, startServer } from '../oci/server.ts';

const folder = mkdtempSync(join(tmpdir(), 'portkit-cosign-registry-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Ended {
  readonly status: unknown;
  readonly text: string;
}

function run(program: string, ...args: readonly string[]): Promise<Ended> {
  const env = { PATH: process.env['PATH'], HOME: folder, COSIGN_PASSWORD: '', PORTKIT_ROOT: join(folder, 'store') };
  return new Promise((resolve) => {
    execFile(program, args, { cwd: folder, env, encoding: 'utf8' }, (error, stdout, stderr) =>
      resolve({ status: error === null ? 0 : error.code, text: stdout + stderr }),
    );
  });
}

const portkit = (...args: readonly string[]): Promise<Ended> => run('sh', join(process.cwd(), 'bin/portkit'), ...args);
const why =
  (await run('cosign', 'version')).status === 0
    ? undefined
    : 'cosign is not on the PATH: go install github.com/sigstore/cosign/v3/cmd/cosign@latest';

const privateKeyEncoding = { type: 'pkcs8', format: 'pem' } as const;
const publicKeyEncoding = { type: 'spki', format: 'pem' } as const;

beforeAll(() => {
  const mine = generateKeyPairSync('ed25519', { privateKeyEncoding, publicKeyEncoding });
  const other = generateKeyPairSync('ed25519', { privateKeyEncoding, publicKeyEncoding });
  mkdirSync(join(folder, 'src'));
  for (const [name, text] of Object.entries({
    'src/file': 'content',
    'key.pem': mine.privateKey,
    'key.pub': mine.publicKey,
    'other.pub': other.publicKey,
    'portkit.toml': `
[steps.layout]
oci = { artifact_type = "application/vnd.example+json", layers = [{ name = "src", from = "local:src" }] }
[steps.bill]
sbom = { of = { src = "local:src" }, format = "spdx", attach = "step:layout" }
[steps.told]
provenance = { from = "step:bill", attach = true }
[steps.signed]
sign = { from = "step:told", key = "key" }
`,
  }))
    writeFileSync(join(folder, name), text);
});

describe('cosign, in a registry that we pushed to', () => {
  test('believes the artifact, its provenance and its bill of materials, and not with another key', async (context) => {
    context.skip(why !== undefined, why);
    const shelves = emptyShelves();
    const uploads: Buffer[] = [];
    await using server = await startServer(
      smallRegistry(shelves, async (request, response) => {
        // cosign takes no repository with a name of one letter.
        request.url = request.url?.replace('/v2/demo/', '/v2/r/');
        // It sends blobs in a request of its own, between the one that asks and the one that says the digest.
        const [, at, digest = ''] = /^\/v2\/r\/blobs\/uploads\/(\d*)(?:\?digest=(.*))?$/.exec(request.url ?? '') ?? [];
        if (request.url === '/v2/') say(response, 200);
        else if (at === undefined) return false;
        else if (request.method === 'POST')
          say(response, 202, { location: `/v2/demo/blobs/uploads/${uploads.push(Buffer.of()) - 1}` });
        else {
          const bytes = Buffer.concat([uploads[Number(at)] ?? Buffer.of(), await buffer(request)]);
          uploads[Number(at)] = bytes;
          if (request.method === 'PUT') shelves.blobs.set(decodeURIComponent(digest), bytes);
          say(response, request.method === 'PUT' ? 201 : 202, { location: `/v2/demo/blobs/uploads/${at}` });
        }
        return true;
      }),
    );
    const reference = `${server.host}/demo:v1`;
    expect(await portkit('build', 'signed', '--secret', 'key=key.pem', '--output', 'out')).toMatchObject({ status: 0 });
    expect(await portkit('copy', '--referrers', 'oci:out', reference)).toMatchObject({ status: 0 });
    const judge = (verb: string, key: string, ...args: readonly string[]): Promise<Ended> =>
      run(
        'cosign',
        verb,
        '--key',
        key,
        '--insecure-ignore-tlog',
        '--allow-http-registry',
        '--allow-insecure-registry',
        ...args,
        reference,
      );
    expect(await judge('verify', 'key.pub')).toMatchObject({ status: 0 });
    for (const type of ['slsaprovenance1', 'spdxjson'])
      expect(await judge('verify-attestation', 'key.pub', '--type', type)).toMatchObject({ status: 0 });
    // Both read the same document out of what is signed.
    for (const [type, ...command] of [
      ['slsaprovenance1', 'provenance'],
      ['spdxjson', 'sbom'],
    ]) {
      const { text } = await judge('verify-attestation', 'key.pub', '--type', type ?? '');
      const envelope = text.split('\n').find((line) => line.startsWith('{"payload'));
      const { predicate } = JSON.parse(Buffer.from(JSON.parse(envelope ?? '{}').payload, 'base64').toString());
      const ours = await portkit(...command, reference, '--key', 'key.pub', '--json');
      expect(JSON.parse(ours.text).documents.map(({ document }: any) => document)).toEqual([predicate]);
    }
    // And what cosign attests is printed by us, when its key is trusted.
    writeFileSync(join(folder, 'bom.json'), '{"bomFormat":"CycloneDX","specVersion":"1.6","version":1}');
    const rsa = generateKeyPairSync('rsa', { modulusLength: 3072, privateKeyEncoding, publicKeyEncoding });
    writeFileSync(join(folder, 'rsa.pem'), rsa.privateKey);
    writeFileSync(join(folder, 'rsa.pub'), rsa.publicKey);
    expect(await run('cosign', 'import-key-pair', '--key', 'rsa.pem', '--output-key-prefix', 'own', '--yes')).toMatchObject({
      status: 0,
    });
    const attested = await run(
      'cosign',
      'attest',
      '--key',
      'own.key',
      '--predicate',
      'bom.json',
      '--type',
      'cyclonedx',
      '--use-signing-config=false',
      '--tlog-upload=false',
      '--allow-http-registry',
      '--allow-insecure-registry',
      '--yes',
      reference,
    );
    expect(attested).toMatchObject({ status: 0 });
    const theirs = await portkit('sbom', reference, '--format', 'cyclonedx', '--key', 'rsa.pub', '--json');
    expect(JSON.parse(theirs.text).documents).toMatchObject([{ document: { bomFormat: 'CycloneDX' }, verified: true }]);
    expect(await portkit('sbom', reference, '--format', 'cyclonedx', '--key', 'key.pub')).toMatchObject({ status: 7 });
    expect(await judge('verify', 'other.pub')).not.toMatchObject({ status: 0 });
    expect(await judge('verify-attestation', 'key.pub', '--type', 'cyclonedx')).not.toMatchObject({ status: 0 });
    expect(await portkit('attest', 'verify', reference, '--key', 'key.pub')).toMatchObject({ status: 0 });
    expect(await portkit('attest', 'verify', reference, '--key', 'other.pub')).toMatchObject({ status: 7 });
  });
});
