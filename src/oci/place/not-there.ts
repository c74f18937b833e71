import { PortkitError } from '../../base/errors.ts';
import { showPlace } from './place.ts';
import type { Place } from './place.ts';

/** The error for a place with nothing in it; who said no tag learns which one that means. */
export function notThere(place: Place): PortkitError {
  const isLatest = place.kind === 'registry' && place.reference.tag === undefined && place.reference.digest === undefined;
  return new PortkitError('PK4001', `${showPlace(place)}${isLatest ? ':latest' : ''} is not there`, {
    hint: isLatest
      ? `No tag means "latest": name another one with ${showPlace(place)}:TAG`
      : 'Is it spelled right? A registry may also say so of what this user must not see',
  });
}
