import { PortkitError, systemCode } from '../../base/errors.ts';
import { networkReason } from '../../base/network-reason.ts';
import type { Answer } from '../../http/call.ts';
import { PassingFailure, retryAfter } from './retry.ts';

/** Failures of connections that are often over a moment later. */
const passing = new Set(['ECONNRESET', 'ECONNABORTED', 'EPIPE', 'ETIMEDOUT', 'EAI_AGAIN', 'ERR_STREAM_PREMATURE_CLOSE']);

const authority = 'An authority beside those of the system is named by PORTKIT_REGISTRY_CA';

const hints: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'Nothing listens there: is the port right, and the registry up?',
  ENOTFOUND: 'Is it spelled right, and is there a network?',
  EAI_AGAIN: 'Is there a network?',
  ERR_SSL_WRONG_VERSION_NUMBER: 'If that is meant, list the host in PORTKIT_REGISTRY_PLAIN_HTTP',
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: 'Name yours for this host in PORTKIT_REGISTRY_CLIENT_CERTS',
  EPROTO: 'If that is meant, list the host in PORTKIT_REGISTRY_PLAIN_HTTP',
};

/** The coded form of what a connection threw. Its own words are left out: they may hold addresses with passwords. */
export function failureOf(error: unknown, url: URL): PassingFailure | PortkitError {
  if (error instanceof PortkitError || error instanceof PassingFailure) return error;
  const code = systemCode(error) ?? 'the connection was closed';
  if (code.startsWith('HPE_')) return new PortkitError('PK4035', `${url.host} does not answer as HTTP servers do (${code})`);
  const problem = new PortkitError('PK4033', `${url.host} cannot be reached: ${networkReason(code)}`, hintFor(code));
  return error === undefined || passing.has(code) ? new PassingFailure(problem) : problem;
}

function hintFor(code: string): { hint?: string } {
  const hint = hints[code] ?? (/SELF_SIGNED|ISSUER|LEAF_SIGNATURE/.test(code) ? authority : undefined);
  return hint === undefined ? {} : { hint };
}

/** The failure of a server that does not go on. */
export function tooSlow(url: URL): PassingFailure {
  return new PassingFailure(new PortkitError('PK4033', `${url.host} does not answer in time`));
}

/** The failure of a server whose status is often another one a moment later; its answer is discarded then. */
export function busyness(answer: Answer, now: Date): PassingFailure | undefined {
  const { status, url } = answer;
  if (status !== 408 && status !== 429 && (status < 500 || status === 501 || status === 505)) return undefined;
  answer.discard();
  const problem = new PortkitError('PK4033', `${url.host} answers with status ${status}`, {
    hint: 'The server is busy or broken: try again later',
  });
  return new PassingFailure(problem, retryAfter(answer.header('retry-after'), now));
}
