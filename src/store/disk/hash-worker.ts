import { parentPort, workerData } from 'node:worker_threads';
import { hashPieces } from './hash-pieces.ts';
import type { Piece } from './hash-pieces.ts';

/** The thread that hashes its share of a verification: pieces come as worker data, what is wrong goes back. */
const pieces: readonly Piece[] = workerData;
parentPort?.postMessage(hashPieces(pieces));
