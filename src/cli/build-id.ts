import { randomBytes } from 'node:crypto';

/** The name of a build: when it began (UTC), and four digits for builds of one second. */
export function newBuildId(now: Date): string {
  const time = now.toISOString().replaceAll(/[-:]/g, '').replace('T', '-').slice(0, 15);
  return `${time}-${randomBytes(2).toString('hex')}`;
}
