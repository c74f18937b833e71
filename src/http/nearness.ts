import { BlockList, isIP } from 'node:net';

/** How near to this machine an address is: the nearer, the less a stranger may point at it. */
export type Nearness = 'public' | 'private' | 'loopback' | 'reserved';

/** All of them, the farthest first. */
export const nearnesses: readonly Nearness[] = ['public', 'private', 'loopback', 'reserved'];

/** Where clouds serve credentials of their machines: link-local addresses, and those that look like others. */
const metadata = [
  '169.254.0.0/16',
  'fe80::/10',
  '100.100.100.200/32',
  '168.63.129.16/32',
  '192.0.0.192/32',
  'fd00:ec2::/32',
  'fd20:ce::254/128',
];
/** The others are nobody's. */
const reserved = listOf(...metadata, '0.0.0.0/8', '224.0.0.0/3', '::/128', 'ff00::/8');
const loopback = listOf('127.0.0.0/8', '::1/128');
/** With the forms of IPv6 that hold an address of IPv4, which need not be a public one. */
const unroutable = listOf(
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '100.64.0.0/10',
  '192.0.0.0/24',
  '198.18.0.0/15',
  'fc00::/7',
  'fec0::/10',
  '64:ff9b:1::/48',
  '2002::/16',
);

function listOf(...ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [address = '', bits] = range.split('/');
    list.addSubnet(address, Number(bits), address.includes(':') ? 'ipv6' : 'ipv4');
  }
  return list;
}

/** A gateway's way to IPv4, for addresses that are public there (RFC 6052, 3.1). */
const translated = listOf('64:ff9b::/96');

/** Where an address of IPv4 or IPv6 belongs; an IPv4 address that is written as one of IPv6 is what it stands for. */
export function nearnessOfAddress(address: string): Nearness {
  const plain = address.replace(/%.*$/, '');
  const family = isIP(plain) === 4 ? 'ipv4' : 'ipv6';
  if (translated.check(plain, family)) return nearnessOfAddress(lastQuad(plain)) === 'public' ? 'public' : 'reserved';
  if (reserved.check(plain, family)) return 'reserved';
  if (loopback.check(plain, family)) return 'loopback';
  return unroutable.check(plain, family) ? 'private' : 'public';
}

/** The last 32 bits of an address of IPv6, as one of IPv4. */
function lastQuad(address: string): string {
  const groups = new URL(`http://[${address}]`).hostname.slice(1, -1).split(':');
  const [high = 0, low = 0] = groups.slice(-2).map((group) => (group === '' ? 0 : Number.parseInt(group, 16)));
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}

/** What a host says by itself, before names are looked up; undefined for names that say nothing. */
export function nearnessOfHost(hostname: string): Nearness | undefined {
  const bare = hostname.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '');
  if (isIP(bare) !== 0) return nearnessOfAddress(bare);
  return bare === 'localhost' || bare.endsWith('.localhost') ? 'loopback' : undefined;
}

/** The one of these that is least near. */
export function farthest(all: readonly Nearness[]): Nearness {
  return nearnesses.find((one) => all.includes(one)) ?? 'public';
}

/** Whether something at `from` may point at something at `to`: never at what is nearer to us than itself. */
export function mayPointAt(from: Nearness, to: Nearness): boolean {
  return nearnesses.indexOf(to) <= nearnesses.indexOf(from);
}
