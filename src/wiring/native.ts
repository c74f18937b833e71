/** The architecture of this machine, in the words of `uname -m`. */
export function nativeArchitecture(): string {
  return { x64: 'x86_64', arm64: 'aarch64' }[process.arch as string] ?? process.arch;
}
