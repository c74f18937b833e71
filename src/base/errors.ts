/** What became of a program that met the error: its exit status and the gRPC status of a daemon. */
interface Fate {
  readonly exit: number;
  readonly grpc: number;
  readonly title: string;
}

/** The closed table of everything a user can meet; `explain.ts` holds the long form of each. */
export const codes = {
  PK1001: { exit: 2, grpc: 3, title: 'The command line is not understood' },
  PK1002: { exit: 2, grpc: 3, title: 'A digest is malformed' },
  PK1003: { exit: 2, grpc: 3, title: 'A path or name is not allowed' },
  PK1004: { exit: 2, grpc: 3, title: 'An option has a value that is not allowed' },
  PK1101: { exit: 2, grpc: 3, title: 'A definition cannot be parsed' },
  PK1102: { exit: 2, grpc: 3, title: 'A definition has an unknown key' },
  PK1103: { exit: 2, grpc: 3, title: 'A definition has a value that is not allowed' },
  PK1104: { exit: 2, grpc: 3, title: 'A definition names a step that is not there' },
  PK1105: { exit: 2, grpc: 3, title: 'Steps wait for each other' },
  PK1106: { exit: 2, grpc: 3, title: 'A name is used twice' },
  PK1107: { exit: 2, grpc: 3, title: 'A variable cannot be used' },
  PK1108: { exit: 2, grpc: 3, title: 'A file cannot be included' },
  PK1109: { exit: 2, grpc: 3, title: 'A matrix cell does not exist or is not chosen' },
  PK1110: { exit: 2, grpc: 3, title: 'A definition is too large' },
  PK1111: { exit: 2, grpc: 5, title: 'A definition cannot be read' },
  PK1112: { exit: 2, grpc: 3, title: 'A definition that is a program fails' },
  PK2001: { exit: 7, grpc: 15, title: 'A stored object is corrupt' },
  PK2002: { exit: 7, grpc: 5, title: 'A stored object is missing' },
  PK2003: { exit: 7, grpc: 13, title: 'A stored object cannot be read' },
  PK2004: { exit: 75, grpc: 10, title: 'The store is locked by another process' },
  PK2005: { exit: 69, grpc: 9, title: 'The store has a newer format' },
  PK2006: { exit: 2, grpc: 9, title: 'The store root cannot be used' },
  PK2007: { exit: 69, grpc: 8, title: 'The disk is full' },
  PK2008: { exit: 69, grpc: 9, title: 'The store cannot be written' },
  PK2009: { exit: 69, grpc: 13, title: 'The disk reported an error' },
  PK2010: { exit: 7, grpc: 15, title: 'The store index is damaged' },
  PK2101: { exit: 1, grpc: 9, title: 'A file changed while it was read' },
  PK2102: { exit: 2, grpc: 3, title: 'A directory cannot be taken into a tree' },
  PK2103: { exit: 7, grpc: 15, title: 'A tree is malformed' },
  PK2104: { exit: 2, grpc: 6, title: 'The place to write to is taken' },
  PK3001: { exit: 1, grpc: 10, title: 'A source changed during the build' },
  PK3003: { exit: 3, grpc: 9, title: 'Something would have to run' },
  PK3002: { exit: 2, grpc: 5, title: 'There is no such target' },
  PK3201: { exit: 5, grpc: 14, title: 'A server cannot be reached' },
  PK3202: { exit: 7, grpc: 15, title: 'Fetched content is not what is pinned' },
  PK3203: { exit: 1, grpc: 9, title: 'A place cannot be fetched from' },
  PK3204: { exit: 1, grpc: 8, title: 'A source is larger than allowed' },
  PK3205: { exit: 1, grpc: 9, title: 'A source is not pinned' },
  PK3206: { exit: 7, grpc: 15, title: 'A signature does not hold' },
  PK3207: { exit: 2, grpc: 3, title: 'A source is described wrongly' },
  PK3208: { exit: 2, grpc: 3, title: 'A path is not there or leads outside of the project' },
  PK3209: { exit: 1, grpc: 9, title: 'A git repository cannot be read' },
  PK3212: { exit: 7, grpc: 15, title: 'An image is malformed' },
  PK3301: { exit: 1, grpc: 3, title: 'An archive is malformed' },
  PK3302: { exit: 1, grpc: 3, title: 'An archive holds something that is refused' },
  PK3303: { exit: 1, grpc: 8, title: 'An archive or stream is larger than allowed' },
  PK3304: { exit: 1, grpc: 3, title: 'A compressed stream is malformed' },
  PK3305: { exit: 1, grpc: 3, title: 'An ELF file is malformed' },
  PK3306: { exit: 1, grpc: 9, title: 'A step is given what it cannot work on' },
  PK3004: { exit: 2, grpc: 5, title: 'No such build or run is remembered' },
  PK3005: { exit: 2, grpc: 9, title: 'The lock cannot be used' },
  PK3101: { exit: 1, grpc: 9, title: 'The command of a step failed' },
  PK3102: { exit: 1, grpc: 9, title: 'The command of a step was ended by a signal' },
  PK3103: { exit: 1, grpc: 4, title: 'The command of a step took too long' },
  PK3104: { exit: 1, grpc: 8, title: 'The command of a step needed too much memory' },
  PK3105: { exit: 1, grpc: 9, title: 'A step did not leave what it declares' },
  PK3106: { exit: 69, grpc: 9, title: 'The sandbox cannot be made' },
  PK3107: { exit: 2, grpc: 9, title: 'The sandbox lacks a place that a step names' },
  PK3108: { exit: 2, grpc: 9, title: 'A secret was not given' },
  PK3109: { exit: 69, grpc: 9, title: 'The scratch folder cannot be used' },
  PK3110: { exit: 69, grpc: 9, title: 'A limit of a step cannot be kept here' },
  PK3307: { exit: 1, grpc: 5, title: 'A path is not in a tree' },
  PK3308: { exit: 1, grpc: 9, title: 'A tree cannot be changed like this' },
  PK3309: { exit: 1, grpc: 5, title: 'A library is not found' },
  PK3551: { exit: 1, grpc: 3, title: 'An ext4 image is damaged' },
  PK3552: { exit: 1, grpc: 3, title: 'An ext4 image uses something that is not read' },
  PK3553: { exit: 1, grpc: 8, title: 'An ext4 image holds more than is taken' },
  PK3401: { exit: 2, grpc: 3, title: 'An output is not understood' },
  PK3402: { exit: 2, grpc: 9, title: 'A destination cannot be used' },
  PK3403: { exit: 2, grpc: 5, title: 'An output picks what is not there' },
  PK3404: { exit: 1, grpc: 9, title: 'Something at the destination is in the way' },
  PK3405: { exit: 1, grpc: 3, title: 'A result cannot be written as files' },
  PK3406: { exit: 69, grpc: 9, title: 'A destination cannot be written' },
  PK3407: { exit: 2, grpc: 9, title: 'A plugin cannot be used' },
  PK3601: { exit: 1, grpc: 9, title: 'A tree does not fit into an archive' },
  PK3501: { exit: 1, grpc: 3, title: 'A tree cannot be written as an ext4 image' },
  PK3502: { exit: 2, grpc: 3, title: 'An option of an ext4 image is not allowed' },
  PK3503: { exit: 2, grpc: 8, title: 'An ext4 image is too small for its tree' },
  PK3504: { exit: 1, grpc: 9, title: 'A file is not what was planned for an ext4 image' },
  PK3701: { exit: 1, grpc: 3, title: 'A file is no kernel' },
  PK3702: { exit: 1, grpc: 3, title: 'A kernel is malformed' },
  PK3703: { exit: 69, grpc: 12, title: 'A kernel is packed in a way that cannot be read' },
  PK3751: { exit: 2, grpc: 3, title: 'A disk cannot be laid out' },
  PK3752: { exit: 1, grpc: 3, title: 'A partition table is malformed' },
  PK3753: { exit: 2, grpc: 3, title: 'A hash tree cannot be made' },
  PK3901: { exit: 2, grpc: 3, title: 'A reference is not understood' },
  PK3902: { exit: 2, grpc: 3, title: 'A selector is not understood' },
  PK3903: { exit: 2, grpc: 5, title: 'There is no such artifact or variant' },
  PK3904: { exit: 2, grpc: 12, title: 'A variant is research-only' },
  PK3905: { exit: 2, grpc: 6, title: 'Two artifacts want the same name, selector or file' },
  PK3906: { exit: 2, grpc: 3, title: 'A path of an artifact is not allowed' },
  PK3907: { exit: 2, grpc: 9, title: 'An artifact is not set up for this' },
  PK3908: { exit: 69, grpc: 12, title: 'A backend cannot be used in this version' },
  PK3909: { exit: 1, grpc: 5, title: 'A file of an artifact is not there' },
  PK3910: { exit: 7, grpc: 15, title: 'A stored artifact is damaged' },
  PK3911: { exit: 1, grpc: 9, title: 'A step does not make an artifact' },
  PK3912: { exit: 69, grpc: 13, title: 'A file of an artifact cannot be read or written' },
  PK3951: { exit: 1, grpc: 3, title: 'A file is no image or archive that is read' },
  PK3952: { exit: 1, grpc: 9, title: 'An entry has no place in the format' },
  PK3953: { exit: 2, grpc: 5, title: 'A place to read from cannot be read' },
  PK3954: { exit: 2, grpc: 3, title: 'An option of an image is not understood' },
  PK3955: { exit: 1, grpc: 9, title: 'The program that makes an image cannot express a tree' },
  PK3956: { exit: 1, grpc: 13, title: 'The program that makes an image failed' },
  PK3957: { exit: 1, grpc: 13, title: 'The program that compresses failed' },
  PK3958: { exit: 1, grpc: 9, title: 'A kernel cannot unpack an initrd' },
  PK3959: { exit: 2, grpc: 5, title: 'A disk has no such partition' },
  PK3960: { exit: 1, grpc: 13, title: 'Extended attributes of a directory cannot be read' },
  PK3801: { exit: 1, grpc: 4, title: 'A machine did not come up in time' },
  PK3802: { exit: 7, grpc: 15, title: 'A machine ended before its agent answered' },
  PK3803: { exit: 7, grpc: 15, title: 'The agent of a guest breaks the protocol' },
  PK3804: { exit: 1, grpc: 9, title: 'The agent of a guest refuses' },
  PK3805: { exit: 1, grpc: 9, title: 'A machine cannot be started' },
  PK3806: { exit: 2, grpc: 3, title: 'What is to be booted does not fit together' },
  PK3807: { exit: 7, grpc: 15, title: 'A file of a guest is not what it should be' },
  PK3808: { exit: 1, grpc: 14, title: 'The agent of a guest left' },
  PK3809: { exit: 1, grpc: 5, title: 'A variant to be booted is not there' },
  PK3810: { exit: 1, grpc: 5, title: 'The modules of a kernel are not found' },
  PK3811: { exit: 1, grpc: 5, title: 'A kernel has no such module' },
  PK3812: { exit: 1, grpc: 5, title: 'A package is not in its sources' },

  PK4001: { exit: 1, grpc: 5, title: 'A blob or manifest is not there' },
  PK4002: { exit: 7, grpc: 15, title: 'An OCI document is malformed' },
  PK4003: { exit: 7, grpc: 15, title: 'Content is not what its descriptor says' },
  PK4004: { exit: 2, grpc: 9, title: 'An artifact is of another kind' },
  PK4005: { exit: 2, grpc: 3, title: 'A reference is malformed' },
  PK4006: { exit: 7, grpc: 8, title: 'An OCI document is too large' },
  PK4007: { exit: 2, grpc: 3, title: 'A configuration cannot be read' },
  PK4030: { exit: 6, grpc: 16, title: 'A registry wants to know who asks' },
  PK4031: { exit: 6, grpc: 7, title: 'A registry does not allow something' },
  PK4032: { exit: 6, grpc: 9, title: 'Credentials would go to somebody else' },
  PK4033: { exit: 5, grpc: 14, title: 'A registry cannot be reached' },
  PK4034: { exit: 5, grpc: 9, title: 'A registry points at a place that is not followed' },
  PK4035: { exit: 5, grpc: 13, title: 'A registry breaks the protocol' },
  PK4036: { exit: 1, grpc: 9, title: 'A registry does not take something' },
  PK4037: { exit: 1, grpc: 9, title: 'A registry lost what a manifest names' },
  PK4040: { exit: 6, grpc: 9, title: 'The file of logins cannot be used' },
  PK4041: { exit: 2, grpc: 3, title: 'A login is not understood' },
  PK4101: { exit: 2, grpc: 3, title: 'An artifact cannot be packed' },
  PK4102: { exit: 2, grpc: 3, title: 'The path of a layer is not allowed' },
  PK4103: { exit: 1, grpc: 9, title: 'A tree is no OCI layout' },
  PK4104: { exit: 1, grpc: 3, title: 'A package database is malformed' },
  PK4105: { exit: 1, grpc: 9, title: 'A postprocessor breaks its protocol' },
  PK4106: { exit: 2, grpc: 3, title: 'A postprocessor is described wrongly' },
  PK4107: { exit: 1, grpc: 9, title: 'A plugin failed' },
  PK4150: { exit: 2, grpc: 3, title: 'A key cannot be used' },
  PK4151: { exit: 7, grpc: 15, title: 'An attestation is malformed' },
  PK4152: { exit: 7, grpc: 15, title: 'An attestation does not hold' },
  PK4153: { exit: 7, grpc: 15, title: 'A needed attestation is not there' },
  PK4154: { exit: 2, grpc: 3, title: 'A step of attestation is described wrongly' },
  PK4080: { exit: 6, grpc: 16, title: 'Credentials that a definition names are not there' },
  PK4081: { exit: 1, grpc: 10, title: 'An index is changed by others all the time' },
  PK6901: { exit: 69, grpc: 9, title: 'A needed tool is missing' },
  PK7001: { exit: 70, grpc: 13, title: 'A bug in portkit' },
  PK9001: { exit: 130, grpc: 1, title: 'Cancelled' },
} as const satisfies Record<string, Fate>;

/** The stable name of one kind of error. */
export type ErrorCode = keyof typeof codes;

/** An error a user can meet: what happened, to which thing, and what to do about it. */
export class PortkitError extends Error {
  override readonly name = 'PortkitError';
  readonly code: ErrorCode;
  readonly hint: string | undefined;

  constructor(code: ErrorCode, message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.code = code;
    this.hint = options.hint;
  }
}

/** The exit status for whatever was thrown; what is not ours is a bug. */
export function exitStatusOf(error: unknown): number {
  return error instanceof PortkitError ? codes[error.code].exit : codes.PK7001.exit;
}

/** The `code` of a Node system error (`ENOENT`, `ENOSPC` …), else undefined. */
export function systemCode(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : undefined;
}
