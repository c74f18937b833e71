import { PortkitError } from '../base/errors.ts';
import { makeControlGroup } from './control-groups.ts';
import type { ControlGroup } from './control-groups.ts';
import type { Command } from './executor.ts';
import type { Site } from './prepare.ts';

/** How a command is kept to its limits. */
interface Kept {
  readonly group: ControlGroup;
  /** What bwrap is started by, and the command in it. */
  readonly around: readonly string[];
  readonly inside: readonly string[];
}

/** bwrap's own two processes count too in a control group; in the sandbox's user namespace, its init does. */
const processesOfBwrap = 2;

/** Control groups where we may make them, else limits of the process; what neither can keep is refused. */
export function keepLimits({ controllers }: Site, { memoryBytes, processes, root }: Command): Kept {
  const alone = processes !== undefined && controllers.pids === undefined;
  if (alone && root !== 'host') {
    throw new PortkitError('PK3110', 'The number of processes of a step with a root tree cannot be limited here', {
      hint: 'Run where control groups can be made (as root, or in a delegated systemd slice), or leave "processes" out',
    });
  }
  const group = makeControlGroup(controllers, {
    ...(memoryBytes === undefined ? {} : { memoryBytes }),
    ...(processes === undefined ? {} : { processes: processes + processesOfBwrap }),
  });
  const around = memoryBytes === undefined || controllers.memory !== undefined ? [] : prlimit(`--as=${memoryBytes}`);
  return { group, around, inside: alone ? prlimit(`--nproc=${processes + 1}`) : [] };
}

/** Replaces itself by the program that follows. */
function prlimit(limit: string): readonly string[] {
  return ['/usr/bin/prlimit', limit, '--'];
}
