import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo, LookupFunction } from 'node:net';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createRegistryClient } from '../../src/oci/registry/client.ts';
import type { RegistryOptions } from '../../src/oci/registry/client.ts';
import { registrySettings } from '../../src/oci/registry/settings.ts';
import { registriesOf } from '../../src/wiring/registries.ts';
import { blobOf, canary, failureOf, patientWorld, user } from './asking.ts';
import { say, startServer } from './server.ts';
import type { Handler } from './server.ts';

const signal = new AbortController().signal;
const descriptor = blobOf(Buffer.from('x'));
const folder = mkdtempSync(join(tmpdir(), 'portkit-tls-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Why there are no certificates, or undefined. */
const missing = makeCertificates();

function makeCertificates(): string | undefined {
  const openssl = (...args: readonly string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'ignore' });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  try {
    openssl('req', '-x509', ...key, '-keyout', 'ca.key', '-out', 'ca.pem', '-days', '3', '-subj', '/CN=ca');
    for (const [name, alternative] of [
      ['server', 'DNS:registry.example,IP:127.0.0.1'],
      ['client', 'DNS:client'],
    ] as const) {
      writeFileSync(join(folder, 'names'), `subjectAltName=${alternative}\n`);
      openssl('req', ...key, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`);
      const from = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-extfile', 'names'];
      openssl('x509', '-req', '-in', `${name}.csr`, ...from, '-days', '3', '-out', `${name}.pem`);
    }
    return undefined;
  } catch {
    return 'there is no openssl that makes certificates';
  }
}

const read = (name: string) => readFileSync(join(folder, name), 'utf8');

function secure(handler: Handler) {
  const tls = {
    cert: read('server.pem'),
    key: read('server.key'),
    ca: read('ca.pem'),
    requestCert: true,
    rejectUnauthorized: false,
  };
  return startServer(handler, tls);
}

/** Whether `r` has the blob, by a client with these connections. */
async function ask(registry: string, connections: RegistryOptions['connections'], more: Partial<RegistryOptions> = {}) {
  using client = createRegistryClient({ world: patientWorld().world, ...(connections && { connections }), ...more });
  const repository = client.repository({ registry, repository: 'r', transport: 'tls' }, { access: 'pull' });
  return await repository.exists(descriptor, signal);
}

/** All names lead here. */
const lookup = ((_name: string, _options: unknown, done: (error: null, found: unknown) => void) =>
  done(null, [{ address: '127.0.0.1', family: 4 }])) as unknown as LookupFunction;

if (missing !== undefined) test('TLS', ({ skip }) => skip(missing));
describe.skipIf(missing !== undefined)('TLS', () => {
  let authorities: readonly string[];
  let clientCertificate: { certificate: string; key: string };
  beforeAll(() => {
    authorities = [read('ca.pem')];
    clientCertificate = { certificate: read('client.pem'), key: read('client.key') };
  });

  test('an authority has to be trusted', async () => {
    await using server = await secure((_request, response) => say(response, 200));
    expect(await ask(server.host, { authorities })).toBe(true);
    const failed = await failureOf(ask(server.host, {}));
    expect(failed.code).toBe('PK4033');
    expect(failed.text).toContain(`${server.host} cannot be reached: its certificate is signed by nobody who is trusted`);
    expect(failed.text).toContain('PORTKIT_REGISTRY_CA');
  });

  test('a name has to be that of the certificate', async () => {
    await using server = await secure((_request, response) => say(response, 200));
    const port = new URL(server.origin).port;
    expect(await ask(`registry.example:${port}`, { authorities, lookup })).toBe(true);
    const failed = await failureOf(ask(`other.example:${port}`, { authorities, lookup }));
    expect(failed.code).toBe('PK4033');
    expect(failed.text).toContain(`other.example:${port} cannot be reached: its certificate is for another name`);
  });

  test('a server without TLS', async () => {
    await using server = await startServer((_request, response) => say(response, 200));
    const failed = await failureOf(ask(server.host, {}));
    expect(failed.code).toBe('PK4033');
    expect(failed.text).toMatch(/it does not speak TLS[^]*PORTKIT_REGISTRY_PLAIN_HTTP/);
    expect(server.seen).toEqual([]);
  });

  test('the certificates that the environment names are used, each for its host', async () => {
    const seen: boolean[] = [];
    await using server = await secure((request, response) => {
      seen.push((request.socket as TLSSocket).authorized);
      say(response, 200, { 'content-length': '1' });
    });
    const at = (host: string) => `${host}=${join(folder, 'client.pem')},${join(folder, 'client.key')}`;
    for (const host of [server.host, 'other.example']) {
      const env = { PORTKIT_REGISTRY_CA: join(folder, 'ca.pem'), PORTKIT_REGISTRY_CLIENT_CERTS: at(host) };
      using registries = registriesOf({ env, home: folder, warn: () => undefined });
      const reference = { registry: server.host, repository: 'r' };
      expect(await registries.repository(reference, { access: 'pull', transport: 'tls' }).exists(descriptor, signal)).toBe(true);
    }
    expect(seen).toEqual([true, false]);
    for (const wrong of ['x', 'a=b', `a=${join(folder, 'none')},b`]) {
      const env = { PORTKIT_REGISTRY_CLIENT_CERTS: wrong };
      expect(() => registriesOf({ env, home: folder, warn: () => undefined })).toThrow(
        expect.objectContaining({ code: 'PK1004' }),
      );
    }
  });

  test('GHSA-h3wm-jjqf-8jm2: a client certificate is shown to its host, and not to where that sends on', async () => {
    const shown: [string, boolean][] = [];
    const note = (who: string, socket: unknown) =>
      shown.push([who, (socket as TLSSocket).getPeerCertificate().subject?.CN === 'client']);
    await using other = await secure((request, response) => {
      note('other', request.socket);
      say(response, 200);
    });
    await using server = await secure((request, response) => {
      note('server', request.socket);
      say(response, 307, { location: `${other.origin}/x` });
    });
    const clientCertificates = [{ host: server.host, ...clientCertificate }];
    expect(await ask(server.host, { authorities, clientCertificates })).toBe(true);
    expect(shown).toEqual([
      ['server', true],
      ['other', false],
    ]);
  });

  test('nothing leads from TLS to plain HTTP', async () => {
    await using plain = await startServer((_request, response) => say(response, 200, {}, '{"token":"t"}'));
    await using server = await secure((_request, response) => say(response, 307, { location: `${plain.origin}/x` }));
    expect((await failureOf(ask(server.host, { authorities }))).code).toBe('PK4034');
    await using asking = await secure((_request, response) =>
      say(response, 401, { 'www-authenticate': `Bearer realm="${plain.origin}/token"` }),
    );
    for (const credentialFor of [async () => user, async () => undefined]) {
      expect((await failureOf(ask(asking.host, { authorities }, { credentialFor }))).code).toBe('PK4034');
    }
    expect(plain.seen).toEqual([]);
  });

  describe('through a proxy', () => {
    async function startProxy(to: () => number) {
      const asked: { target: string; authorization: string | undefined }[] = [];
      const server = createServer().listen(0, '127.0.0.1');
      server.on('connect', (request, socket) => {
        asked.push({ target: request.url ?? '', authorization: request.headers['proxy-authorization'] });
        const there = connect(to(), '127.0.0.1', () => {
          socket.write('HTTP/1.1 200 OK\r\n\r\n');
          there.pipe(socket).pipe(there);
        });
        for (const end of [there, socket]) end.on('error', () => end.destroy());
      });
      await once(server, 'listening');
      const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
      return { host, asked, [Symbol.dispose]: () => server.close().closeAllConnections() };
    }

    test('a tunnel; the password of the proxy is for the proxy', async () => {
      await using server = await secure((_request, response) => say(response, 200));
      using proxy = await startProxy(() => Number(new URL(server.origin).port));
      const { connections } = registrySettings({ HTTPS_PROXY: `http://me:${canary}@${proxy.host}` });
      expect(await ask('registry.example', { ...connections, authorities })).toBe(true);
      expect(proxy.asked).toEqual([
        { target: 'registry.example:443', authorization: `Basic ${Buffer.from(`me:${canary}`).toString('base64')}` },
      ]);
      expect(server.seen.map(({ headers }) => headers['proxy-authorization'])).toEqual([undefined]);
    });

    test('not for hosts that are to be asked directly, nor for this machine', async () => {
      await using server = await secure((_request, response) => say(response, 200));
      const port = new URL(server.origin).port;
      using proxy = await startProxy(() => Number(port));
      const { connections } = registrySettings({ https_proxy: proxy.host, NO_PROXY: 'registry.example' });
      expect(await ask(`registry.example:${port}`, { ...connections, authorities, lookup })).toBe(true);
      expect(await ask(server.host, { ...connections, authorities })).toBe(true);
      expect(proxy.asked).toEqual([]);
    });

    test('one that says nothing is not waited for', async () => {
      await using silent = await startServer(() => undefined);
      const hanging = createServer().listen(0, '127.0.0.1');
      hanging.on('connect', (_request, socket) => socket.on('error', () => undefined));
      await once(hanging, 'listening');
      for (const host of [silent.host, `127.0.0.1:${(hanging.address() as AddressInfo).port}`]) {
        const { connections } = registrySettings({ HTTPS_PROXY: host });
        const timeouts = { idleMs: 30, headersMs: 1000 };
        const failed = await failureOf(ask('registry.example', { ...connections, authorities }, { timeouts }));
        expect(failed.code).toBe('PK4033');
      }
      hanging.close().closeAllConnections();
    });

    test('one that refuses, or is not there, is named without its password', async () => {
      await using refusing = await startServer((_request, response) => say(response, 403));
      for (const host of [refusing.host, '127.0.0.1:1']) {
        const { connections } = registrySettings({ HTTPS_PROXY: `http://me:${canary}@${host}` });
        const failed = await failureOf(ask('registry.example', { ...connections, authorities }));
        expect(failed.code).toBe('PK4033');
        expect(failed.text).not.toContain(canary);
      }
    });
  });
});

describe('settings', () => {
  test('of the environment', () => {
    const env = {
      PORTKIT_REGISTRY_PLAIN_HTTP: 'A.example, b.example:5000',
      LNS_REGISTRY_PLAIN_HTTP: 'c.example',
      PORTKIT_REGISTRY_REALMS: 'a.example=b.example',
      http_proxy: 'proxy:3128',
      HTTP_PROXY: 'http://not-this-one',
      NO_PROXY: 'x',
    };
    expect(registrySettings(env)).toEqual({
      plainHttp: ['a.example', 'b.example:5000', 'c.example'],
      trustedRealms: ['a.example=b.example'],
      connections: { proxies: { http: 'http://proxy:3128', none: 'x' } },
    });
    expect(registrySettings({})).toEqual({ plainHttp: [], trustedRealms: [], connections: { proxies: {} } });
  });
  test.each([`socks5://me:${canary}@x`, `http://me:${canary}@[`])('a proxy that is none is not repeated', async (value) => {
    const failed = await failureOf((async () => registrySettings({ HTTPS_PROXY: value }))());
    expect(failed.code).toBe('PK1004');
    expect(failed.text).not.toContain(canary);
  });
});
