import { readFileSync } from 'node:fs';

/**
 * Prints the most memory this process has had and its processor time in milliseconds, for the harness to read. It is not `resourceUsage().maxRSS`: a process
 * inherits that from the one that started it.
 */
export function printPeak(): void {
  const kibibytes = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
  const { user, system } = process.cpuUsage();
  console.log(`peak ${Number(kibibytes) * 1024}\ncpu ${Math.round((user + system) / 1000)}`);
}
